#include "rules/cel/macros.hpp"

#include <algorithm>
#include <array>

namespace autotune::cel {

namespace {

struct Form {
    std::string_view name;
    Macro macro;
    std::size_t variables, arguments;  // arguments: all of them, the variables too
    bool conditional = false;
};
constexpr std::array<Form, 14> kForms{{{"all", Macro::all, 1, 2},
                                       {"all", Macro::all, 2, 3},
                                       {"exists", Macro::exists, 1, 2},
                                       {"exists", Macro::exists, 2, 3},
                                       {"exists_one", Macro::exists_one, 1, 2},
                                       {"existsOne", Macro::exists_one, 1, 2},
                                       {"existsOne", Macro::exists_one, 2, 3},
                                       {"map", Macro::map, 1, 2},
                                       {"map", Macro::map, 1, 3, true},
                                       {"filter", Macro::filter, 1, 2},
                                       {"transformList", Macro::transform_list, 2, 3},
                                       {"transformList", Macro::transform_list, 2, 4, true},
                                       {"transformMap", Macro::transform_map, 2, 3},
                                       {"transformMap", Macro::transform_map, 2, 4, true}}};

bool is_variable(const Node& n) { return n.what == Node::What::identifier && n.name[0] != '.'; }

std::variant<std::monostate, Node, Issue> has(const Ast& ast, const Node& call) {
    const Node& field = ast.nodes[call.children[0]];
    if (field.what != Node::What::select) return Issue{field.offset, "has() asks for a field: has(x.name)"};
    Node out = field;
    out.what = Node::What::has;
    return out;
}

std::variant<std::monostate, Node, Issue> bind(const Ast& ast, const Node& call) {
    const Node& variable = ast.nodes[call.children[1]];
    if (!is_variable(variable))
        return Issue{variable.offset, "cel.bind() needs the name of a variable first"};
    Node out{.what = Node::What::comprehension, .macro = Macro::bind, .offset = call.offset, .name = "bind"};
    out.children = {call.children[2], call.children[3]};
    out.variables = {variable.name};
    return out;
}

}  // namespace

std::variant<std::monostate, Node, Issue> expand_macro(const Ast& ast, const Node& call) {
    const std::size_t arguments = call.children.size();
    if (call.what == Node::What::call) {
        if (call.name == "has" && arguments == 1) return has(ast, call);
        return {};
    }
    const Node& target = ast.nodes[call.children[0]];
    if (call.name == "bind" && arguments == 4 && target.what == Node::What::identifier &&
        target.name == "cel")
        return bind(ast, call);
    const auto* form = std::find_if(kForms.begin(), kForms.end(), [&](const Form& f) {
        return f.name == call.name && f.arguments + 1 == arguments;
    });
    if (form == kForms.end()) return {};
    Node out{.what = Node::What::comprehension,
             .macro = form->macro,
             .conditional = form->conditional,
             .offset = call.offset,
             .name = call.name};
    for (std::size_t i = 1; i <= form->variables; ++i) {
        const Node& variable = ast.nodes[call.children[i]];
        if (!is_variable(variable))
            return Issue{variable.offset,
                         call.name + "() needs the name of a variable first: ." + call.name + "(x, …)"};
        out.variables.push_back(variable.name);
    }
    if (out.variables.size() == 2 && out.variables[0] == out.variables[1])
        return Issue{call.offset, "the two variables of " + call.name + "() have the same name"};
    out.children.push_back(call.children[0]);
    for (std::size_t i = 1 + form->variables; i < arguments; ++i) out.children.push_back(call.children[i]);
    return out;
}

}  // namespace autotune::cel
