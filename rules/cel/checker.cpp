#include "rules/cel/checker.hpp"

#include <algorithm>

#include "rules/cel/call_check.hpp"
#include "rules/suggest.hpp"

namespace autotune::cel {

namespace {

constexpr std::size_t kLongestName = 1024;  // of variables with dots

// Recursion is bounded by kDeepestTree.
class Checker {
public:
    Checker(const Ast& ast, const Environment& environment) : ast_(ast), environment_(environment) {
        out_.meanings.resize(ast.nodes.size());
        states_.resize(ast.nodes.size());
    }

    Checked run() {
        value(ast_.root());
        return std::move(out_);
    }

private:
    // What is known of a node beside its meaning.
    struct State {
        std::string path;      // the dotted name that it is, or could be the beginning of
        bool pending = false;  // it is only the beginning of a name
        bool told = false;     // what is wrong with it was said
    };
    struct Local {
        std::string name;
        Type type;
    };

    [[nodiscard]] const Node& node(NodeId id) const { return ast_.nodes[id]; }
    Meaning& meaning(NodeId id) { return out_.meanings[id]; }
    void issue(NodeId id, std::string message) {
        out_.issues.push_back({node(id).offset, std::move(message)});
        states_[id].told = true;
    }
    // Both at once: what is done there and what comes out.
    void means(NodeId id, Deed deed, Type type) {
        meaning(id).deed = deed;
        meaning(id).type = std::move(type);
    }

    // A node whose value is needed.
    const Type& value(NodeId id) {
        visit(id);
        return settled(id);
    }
    // Of a node that was visited: the beginning of a name is no value.
    const Type& settled(NodeId id) {
        State& state = states_[id];
        if (state.pending) {
            issue(id, "'" + state.path + "' is not a value; write " + state.path + ".… with a name after it");
            state.pending = false;
        }
        return meaning(id).type;
    }

    void visit(NodeId id) {
        const Node& n = node(id);
        switch (n.what) {
            case Node::What::literal:
                meaning(id).constant = n.value;
                means(id, Deed::constant, n.value.kind());
                break;
            case Node::What::identifier: identifier(id); break;
            case Node::What::select:
            case Node::What::has: select(id); break;
            case Node::What::list: list(id); break;
            case Node::What::map: map(id); break;
            case Node::What::call:
            case Node::What::member_call: call(id); break;
            case Node::What::comprehension: comprehension(id); break;
        }
    }

    // --- names: "fn" alone is only the beginning of one
    void identifier(NodeId id) {
        const std::string& name = node(id).name;
        for (std::size_t i = locals_.size(); i-- > 0;) {
            if (locals_[i].name != name) continue;
            meaning(id).index = static_cast<std::uint32_t>(i);
            return means(id, Deed::local, locals_[i].type);
        }
        states_[id].path = name;
        if (!named(id, name) && !begin(id, name)) unknown_name(id, name);
    }

    // A variable or a type of that name.
    bool named(NodeId id, const std::string& full) {
        if (const auto variable = find_variable(environment_, full)) {
            meaning(id).index = static_cast<std::uint32_t>(*variable);
            means(id, Deed::variable, environment_.variables[*variable].type);
            return true;
        }
        if (auto type = find_type(environment_, full)) {
            meaning(id).constant = std::move(*type);
            means(id, Deed::constant, Kind::type);
            return true;
        }
        return false;
    }
    bool begin(NodeId id, const std::string& full) {
        return states_[id].pending = begins_variable(environment_, full) || begins_type(environment_, full);
    }

    void unknown_name(NodeId id, const std::string& full) {
        std::vector<std::string_view> known;
        for (const Variable& v : environment_.variables) known.push_back(v.name);
        for (const Local& l : locals_) known.push_back(l.name);
        issue(id, "there is no '" + full + "'" + rules::did_you_mean(full, known));
        meaning(id).constant = Value::failure("undeclared reference to '" + full + "' (in container '" +
                                              environment_.container + "')");
    }

    void select(NodeId id) {
        const Node& n = node(id);
        const NodeId operand = n.children[0];
        const bool asks = n.what == Node::What::has;
        visit(operand);
        State& of = states_[operand];
        // The longest name that there is: a.b.c before the field c of a.b.
        if (!of.path.empty() && !n.quoted && of.path.size() < kLongestName) {
            const std::string full = of.path + "." + n.name;
            states_[id].path = full;
            if (named(id, full)) {
                if (asks) means(id, Deed::has_variable, Kind::boolean);
                return;
            }
            if (of.pending && begin(id, full) && !asks) return;
            states_[id].pending = false;
            if (of.pending) return unknown_name(id, full);
        }
        states_[id].told = of.told;
        const Type type = settled(operand);
        means(id, asks ? Deed::has_field : Deed::field, asks ? Type(Kind::boolean) : type.element_type());
        const bool has_fields = type.kind == Kind::map || type.open();
        const bool texts = !has_fields || agree(type.key_type(), Kind::text);
        if (!of.told && (!has_fields || !texts))
            issue(id, to_string(type) + " has no field '" + n.name + "'");
    }

    // --- lists and maps
    void list(NodeId id) {
        Type element(Kind::free);
        for (const NodeId child : node(id).children) element = join(element, value(child));
        means(id, Deed::list, Type::list_of(element));
    }

    void map(NodeId id) {
        const auto& children = node(id).children;
        Type key(Kind::free), element(Kind::free);
        for (std::size_t i = 0; i + 1 < children.size(); i += 2) {
            const Type& given = value(children[i]);
            if (!may_be_key(given))
                issue(children[i], "a key of a map is a bool, int, uint or string, not " + to_string(given));
            key = join(key, may_be_key(given) ? given : Type());
            element = join(element, value(children[i + 1]));
        }
        means(id, Deed::map, Type::map_of(key, element));
    }
    static bool may_be_key(const Type& t) {
        return t.open() || t.kind == Kind::boolean || t.kind == Kind::integer ||
               t.kind == Kind::unsigned_integer || t.kind == Kind::text;
    }

    // --- calls
    void call(NodeId id) {
        const Node& n = node(id);
        Style style = n.what == Node::What::call ? Style::global : Style::member;
        std::string name = n.name;
        if (style == Style::member)
            if (const std::string path = path_of(n.children[0]); !path.empty())
                if (!find_functions(path + "." + name, Style::global).empty()) {
                    name = path + "." + name;
                    style = Style::global;
                    meaning(id).first_child = 1;
                }
        std::vector<Type> types;
        for (std::size_t i = meaning(id).first_child; i < n.children.size(); ++i)
            types.push_back(value(n.children[i]));
        if (types.size() == 2) {
            meaning(id).left = n.children[meaning(id).first_child];
            meaning(id).right = n.children[meaning(id).first_child + 1];
        }
        const CallSite site{ast_, id, meaning(id).first_child, std::move(types)};
        if (const auto deed = logic_of(n.name); deed && style == Style::global) {
            meaning(id).deed = *deed;
            return add(id, check_logic(site, meaning(id)));
        }
        meaning(id).overloads = find_functions(name, style);
        meaning(id).deed = Deed::call;
        if (meaning(id).overloads.empty()) {
            meaning(id).deed = Deed::fail;
            meaning(id).constant = Value::failure("unbound function '" + name + "'");
            return issue(
                id, "there is no function '" + name + "'" + rules::did_you_mean(name, function_names(style)));
        }
        add(id, check_call(site, meaning(id)));
    }
    static std::optional<Deed> logic_of(std::string_view name) {
        if (name == "_&&_") return Deed::both;
        if (name == "_||_") return Deed::either;
        return name == "_?_:_" ? std::optional(Deed::choose) : std::nullopt;
    }
    void add(NodeId id, std::vector<Issue> issues) {
        if (!issues.empty()) states_[id].told = true;
        for (Issue& i : issues) out_.issues.push_back(std::move(i));
    }

    // The functions are in no container.
    [[nodiscard]] static std::span<const Overload> find_functions(std::string_view name, Style style) {
        return find_overloads(name.substr(name.starts_with('.') ? 1 : 0), style);
    }

    // "a.b" of such a node, unless it begins with a variable of a macro; "" of any other.
    [[nodiscard]] std::string path_of(NodeId id) const {
        const Node& n = node(id);
        if (n.what == Node::What::select && !n.quoted) {
            const std::string before = path_of(n.children[0]);
            return before.empty() ? before : before + "." + n.name;
        }
        const bool hidden =
            std::any_of(locals_.begin(), locals_.end(), [&](const Local& l) { return l.name == n.name; });
        return n.what == Node::What::identifier && !hidden ? n.name : "";
    }

    // --- macros
    void comprehension(NodeId id) {
        const Node& n = node(id);
        const Type range = value(n.children[0]);
        const std::size_t before = locals_.size();
        meaning(id).index = static_cast<std::uint32_t>(before);
        declare(n, range);
        if (n.macro != Macro::bind && !range.open() && range.kind != Kind::list && range.kind != Kind::map)
            issue(n.children[0], n.name + "() goes over a list or a map, this is " + to_string(range));
        out_.locals = std::max(out_.locals, static_cast<std::uint32_t>(locals_.size()));
        if (n.conditional) boolean(n.children[1], n.name);
        const Type body = value(n.children.back());
        const bool tests = n.macro == Macro::all || n.macro == Macro::exists || n.macro == Macro::exists_one;
        if (tests || n.macro == Macro::filter) boolean_type(n.children.back(), body, n.name);
        means(id, Deed::comprehension, result(n, range, body));
        locals_.resize(before);
    }

    void declare(const Node& n, const Type& range) {
        const bool map = range.kind == Kind::map, two = n.variables.size() == 2;
        if (n.macro == Macro::bind) return locals_.push_back({n.variables[0], range});
        if (two) {
            const Type position = range.open() ? Type() : Type(Kind::integer);
            locals_.push_back({n.variables[0], map ? range.key_type() : position});
        }
        locals_.push_back({n.variables.back(), map && !two ? range.key_type() : range.element_type()});
    }

    [[nodiscard]] static Type result(const Node& n, const Type& range, const Type& body) {
        const Type key = range.kind == Kind::map    ? range.key_type()
                         : range.kind == Kind::list ? Type(Kind::integer)
                                                    : Type();
        switch (n.macro) {
            case Macro::all:
            case Macro::exists:
            case Macro::exists_one: return Kind::boolean;
            case Macro::map:
            case Macro::transform_list: return Type::list_of(body);
            case Macro::filter:
                return Type::list_of(range.kind == Kind::map ? range.key_type() : range.element_type());
            case Macro::transform_map: return Type::map_of(key, body);
            case Macro::bind: return body;
        }
        return Kind::dyn;
    }

    void boolean(NodeId id, const std::string& macro) { boolean_type(id, value(id), macro); }
    void boolean_type(NodeId id, const Type& type, const std::string& macro) {
        if (!agree(type, Kind::boolean))
            issue(id, macro + "() needs a bool here, this is " + to_string(type));
    }

    const Ast& ast_;
    const Environment& environment_;
    std::vector<State> states_;  // by node
    std::vector<Local> locals_;  // of the macros around the node, outermost first
    Checked out_;
};

}  // namespace

Checked check(const Ast& ast, const Environment& environment) { return Checker(ast, environment).run(); }

}  // namespace autotune::cel
