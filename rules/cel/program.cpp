#include "rules/cel/program.hpp"

#include <algorithm>

#include "rules/cel/parser.hpp"

namespace autotune::cel {

namespace {

// Recursion is bounded by kDeepestTree.
class Evaluation {
public:
    Evaluation(const Ast& ast, const std::vector<Meaning>& meanings, const Program::Lookup& lookup)
        : ast_(ast), meanings_(meanings), lookup_(lookup) {}

    Value value(NodeId id) {
        const Node& n = ast_.nodes[id];
        switch (n.what) {
            case Node::What::literal: return n.value;
            case Node::What::identifier: return variable(id);
            case Node::What::select: return meanings_[id].variable ? variable(id) : field(n);
            case Node::What::list: return list(n);
            case Node::What::call:
                if (n.name == "_&&_") return decide(n, false);
                if (n.name == "_||_") return decide(n, true);
                if (n.name == "_?_:_") return choose(n);
                [[fallthrough]];
            case Node::What::member_call: return call(id);
        }
        return Value::failure("not an expression");
    }

private:
    Value variable(NodeId id) {
        if (const auto& v = meanings_[id].variable) return lookup_(*v);
        return Value::failure("undeclared reference to '" + ast_.nodes[id].name + "'");
    }

    Value field(const Node& n) {
        const Value operand = value(n.children[0]);
        return operand.usable() ? Value::failure("no such field '" + n.name + "'") : operand;
    }

    // All values of the children, or the one that says why there are none.
    Value strict(const Node& n, List& values) {
        Value worst;
        for (const NodeId child : n.children) {
            values.push_back(value(child));
            const Kind kind = values.back().kind();
            if (kind == Kind::unknown && worst.kind() != Kind::unknown) worst = values.back();
            if (kind == Kind::failure && worst.usable()) worst = values.back();
        }
        return worst;
    }

    Value list(const Node& n) {
        List values;
        Value worst = strict(n, values);
        return worst.usable() ? Value::list(std::move(values)) : worst;
    }

    Value call(NodeId id) {
        const Node& n = ast_.nodes[id];
        List values;
        if (Value worst = strict(n, values); !worst.usable()) return worst;
        for (const Overload& o : meanings_[id].overloads) {
            const bool fits =
                std::equal(o.parameters.begin(), o.parameters.end(), values.begin(), values.end(),
                           [](Kind p, const Value& v) { return p == Kind::dyn || p == v.kind(); });
            if (fits) return o.apply(values);
        }
        return Value::failure("no such overload of '" + n.name + "'");
    }

    // && is decided by one false, || by one true, on whichever side.
    Value decide(const Node& n, bool deciding) {
        Value left = value(n.children[0]);
        if (const bool* b = left.get<bool>(); b && *b == deciding) return left;
        Value right = value(n.children[1]);
        if (const bool* b = right.get<bool>(); b && *b == deciding) return right;
        if (left.get<bool>() && right.get<bool>()) return !deciding;
        for (const Value* v : {&left, &right})
            if (v->kind() == Kind::unknown) return *v;
        for (const Value* v : {&left, &right})
            if (v->kind() == Kind::failure) return *v;
        return Value::failure("no such overload of '" + n.name + "'");
    }

    Value choose(const Node& n) {
        const Value condition = value(n.children[0]);
        if (const bool* b = condition.get<bool>()) return value(n.children[*b ? 1 : 2]);
        return condition.usable() ? Value::failure("no such overload of '_?_:_'") : condition;
    }

    const Ast& ast_;
    const std::vector<Meaning>& meanings_;
    const Program::Lookup& lookup_;
};

}  // namespace

Compilation compile(std::string_view source, const Environment& environment, Checking checking) {
    Compilation out;
    auto parsed = parse(source);
    if (auto* issue = std::get_if<Issue>(&parsed)) {
        out.issues.push_back(std::move(*issue));
        return out;
    }
    Ast& ast = std::get<Ast>(parsed);
    Checked checked = check(ast, environment);
    if (checking == Checking::full && !checked.issues.empty()) {
        out.issues = std::move(checked.issues);
        std::stable_sort(out.issues.begin(), out.issues.end(),
                         [](const Issue& a, const Issue& b) { return a.offset < b.offset; });
        return out;
    }
    out.program = std::make_shared<const Program>(std::move(ast), std::move(checked.meanings));
    return out;
}

Value Program::evaluate(const Lookup& lookup) const {
    return Evaluation(ast_, meanings_, lookup).value(ast_.root());
}

std::vector<std::size_t> Program::variables() const {
    std::vector<std::size_t> used;
    for (const Meaning& m : meanings_)
        if (m.variable) used.push_back(*m.variable);
    std::sort(used.begin(), used.end());
    used.erase(std::unique(used.begin(), used.end()), used.end());
    return used;
}

}  // namespace autotune::cel
