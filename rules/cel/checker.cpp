#include "rules/cel/checker.hpp"

#include <algorithm>

#include "rules/cel/duration.hpp"
#include "rules/suggest.hpp"

namespace autotune::cel {

namespace {

// "_>=_" → ">=", "@in" → "in", "size" → "size"
std::string spelling(std::string_view function) {
    if (function == "_?_:_") return "?:";
    if (function == "_[_]") return "[]";
    std::string out;
    for (const char c : function)
        if (c != '_' && c != '@') out += c;
    return out;
}

bool is_number(Kind k) { return k == Kind::integer || k == Kind::unsigned_integer || k == Kind::number; }

class Checker {
public:
    Checker(const Ast& ast, const Environment& environment) : ast_(ast), environment_(environment) {
        out_.meanings.resize(ast.nodes.size());
        path_.resize(ast.nodes.size());
    }

    Checked run() {
        for (NodeId id = 0; id < ast_.nodes.size(); ++id) visit(id);
        refuse_path(ast_.root());
        return std::move(out_);
    }

private:
    [[nodiscard]] const Node& node(NodeId id) const { return ast_.nodes[id]; }
    [[nodiscard]] const Type& type(NodeId id) const { return out_.meanings[id].type; }
    void issue(NodeId id, std::string message) {
        out_.issues.push_back({node(id).offset, std::move(message)});
    }

    void visit(NodeId id) {
        const Node& n = node(id);
        if (n.what != Node::What::select)
            for (const NodeId child : n.children) refuse_path(child);
        switch (n.what) {
            case Node::What::literal: out_.meanings[id].type = literal_type(n.value); break;
            case Node::What::identifier: name(id, n.name); break;
            case Node::What::select: select(id); break;
            case Node::What::list: list(id); break;
            case Node::What::call: call(id, Overload::Style::global); break;
            case Node::What::member_call: call(id, Overload::Style::member); break;
        }
    }

    static Type literal_type(const Value& v) { return v.kind(); }

    // --- names: "fn" alone is only the beginning of one
    void name(NodeId id, const std::string& full) {
        const auto& all = environment_.variables;
        const auto found =
            std::find_if(all.begin(), all.end(), [&](const Variable& v) { return v.name == full; });
        if (found != all.end()) {
            out_.meanings[id].variable = static_cast<std::size_t>(found - all.begin());
            out_.meanings[id].type = found->type;
            return;
        }
        const bool beginning = std::any_of(all.begin(), all.end(),
                                           [&](const Variable& v) { return v.name.starts_with(full + "."); });
        if (beginning)
            path_[id] = full;
        else
            unknown_name(id, full);
    }

    void unknown_name(NodeId id, const std::string& full) {
        std::vector<std::string_view> known;
        for (const Variable& v : environment_.variables) known.push_back(v.name);
        issue(id, "there is no '" + full + "'" + rules::did_you_mean(full, known));
    }

    void select(NodeId id) {
        const NodeId operand = node(id).children[0];
        if (!path_[operand].empty()) return name(id, path_[operand] + "." + node(id).name);
        if (node(operand).what == Node::What::identifier && !out_.meanings[operand].variable)
            return;  // told already
        if (type(operand).kind != Kind::dyn)
            issue(id, to_string(type(operand)) + " has no field '" + node(id).name + "'");
    }

    void refuse_path(NodeId id) {
        if (path_[id].empty()) return;
        issue(id, "'" + path_[id] + "' is not a value; write " + path_[id] + ".… with a name after it");
        path_[id].clear();
    }

    void list(NodeId id) {
        const auto& children = node(id).children;
        Type element = children.empty() ? Type() : type(children[0]);
        for (const NodeId child : children) element = join(element, type(child));
        out_.meanings[id].type = Type::list_of(element);
    }

    // --- calls
    void call(NodeId id, Overload::Style style) {
        const Node& n = node(id);
        if (n.name == "_&&_" || n.name == "_||_") return logic(id);
        if (n.name == "_?_:_") return conditional(id);
        const auto overloads = find_overloads(n.name, style);
        out_.meanings[id].overloads = overloads;
        if (overloads.empty()) return unknown_function(id, style);
        std::vector<const Overload*> fitting;
        for (const Overload& o : overloads)
            if (fits(o, n.children)) fitting.push_back(&o);
        if (fitting.empty() || !elements_fit(n)) return no_overload(id);
        out_.meanings[id].type = result(n, fitting);
        constant_arguments(id);
    }

    [[nodiscard]] bool fits(const Overload& o, const std::vector<NodeId>& arguments) const {
        return std::equal(o.parameters.begin(), o.parameters.end(), arguments.begin(), arguments.end(),
                          [&](Kind parameter, NodeId a) {
                              const Kind given = type(a).kind;
                              return parameter == Kind::dyn || given == Kind::dyn || parameter == given;
                          });
    }

    // Where the table says dyn or list and the language says "of the same type".
    [[nodiscard]] bool elements_fit(const Node& n) const {
        if (n.name == "_==_" || n.name == "_!=_") return agree(type(n.children[0]), type(n.children[1]));
        if (n.name == "@in") return agree(type(n.children[0]), type(n.children[1]).element_type());
        return true;
    }

    [[nodiscard]] Type result(const Node& n, const std::vector<const Overload*>& fitting) const {
        if (n.name == "_[_]") return type(n.children[0]).element_type();
        for (const Overload* o : fitting)
            if (o->result != fitting[0]->result) return Kind::dyn;
        if (fitting[0]->result == Kind::list) return join(type(n.children[0]), type(n.children[1]));
        return fitting[0]->result;
    }

    void logic(NodeId id) {
        for (const NodeId child : node(id).children)
            if (!agree(type(child), Kind::boolean))
                issue(child, "'" + spelling(node(id).name) + "' needs bool on both sides, this is " +
                                 to_string(type(child)) +
                                 (is_number(type(child).kind) ? "; compare it: … > 0" : ""));
        out_.meanings[id].type = Kind::boolean;
    }

    void conditional(NodeId id) {
        const auto& c = node(id).children;
        if (!agree(type(c[0]), Kind::boolean))
            issue(c[0], "'?' needs bool before it, this is " + to_string(type(c[0])));
        if (!agree(type(c[1]), type(c[2])))
            issue(id, "the two choices of '?:' have different types, " + to_string(type(c[1])) + " and " +
                          to_string(type(c[2])));
        out_.meanings[id].type = join(type(c[1]), type(c[2]));
    }

    void unknown_function(NodeId id, Overload::Style style) {
        const Node& n = node(id);
        if (n.name == "has" || n.name == "all" || n.name == "exists" || n.name == "exists_one" ||
            n.name == "map" || n.name == "filter")
            return issue(id, "macros such as " + n.name + "() are not part of this version's CEL");
        const auto known = function_names(style);
        issue(id, "there is no function '" + n.name + "'" + rules::did_you_mean(n.name, known));
    }

    void no_overload(NodeId id) {
        const Node& n = node(id);
        std::string types;
        for (const NodeId child : n.children)
            types += (types.empty() ? "" : " and ") + to_string(type(child));
        const bool symbol = n.name.find_first_of("_@") != std::string::npos;
        std::string message =
            symbol ? "'" + spelling(n.name) + "' does not take " : n.name + "() does not take ";
        issue(id, message + (types.empty() ? "no arguments" : types) + hint(n));
    }

    [[nodiscard]] std::string hint(const Node& n) const {
        const auto any = [&](auto wanted) {
            return std::any_of(n.children.begin(), n.children.end(),
                               [&](NodeId c) { return wanted(type(c).kind); });
        };
        const bool duration = any([](Kind k) { return k == Kind::duration; });
        if (duration && n.children.size() == 2) return "; a duration is written duration(\"5s\")";
        const bool integer = any([](Kind k) { return k == Kind::integer || k == Kind::unsigned_integer; });
        if (integer && any([](Kind k) { return k == Kind::number; }))
            return "; numbers of different types do not mix here: write 1.0 for 1, or double(…)";
        return "";
    }

    // What can be known to fail is told now: duration("15 m"), x.matches("(").
    void constant_arguments(NodeId id) {
        const Node& n = node(id);
        const auto* text = n.children.empty() ? nullptr : node(n.children.back()).value.get<std::string>();
        if (!text || node(n.children.back()).what != Node::What::literal) return;
        if (n.name == "duration" && !parse_duration(*text))
            issue(n.children.back(),
                  "'" + *text + "' is no duration; durations look like \"1h30m\", \"250ms\"");
        if (n.name == "matches")
            if (const std::string why = pattern_error(*text); !why.empty())
                issue(n.children.back(), "not a regular expression: " + why);
    }

    const Ast& ast_;
    const Environment& environment_;
    std::vector<std::string> path_;  // by node: the beginning of a dotted name, where it is only that
    Checked out_;
};

}  // namespace

Checked check(const Ast& ast, const Environment& environment) { return Checker(ast, environment).run(); }

}  // namespace autotune::cel
