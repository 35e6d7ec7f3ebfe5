#include "rules/cel/evaluation.hpp"

#include <algorithm>
#include <array>

namespace autotune::cel {

namespace {

// What hardly ever happens is not inlined: each step of an evaluation would make room for it.
[[gnu::cold]] Value too_costly() {
    return Value::failure("the evaluation costs more than " + std::to_string(kMostCost) + " steps");
}

// Of the children of a node that needs them all: an unknown outweighs a failure, the first of each counts.
void note(Value& worst, const Value& v) {
    const Kind kind = v.kind();
    if (kind == Kind::unknown && worst.kind() != Kind::unknown) worst = v;
    if (kind == Kind::failure && worst.usable()) worst = v;
}

bool takes(const Overload& o, std::span<const Value> arguments) {
    if (!o.variadic && o.parameters.size() != arguments.size()) return false;
    const Kind* wanted = o.parameters.data();
    for (const Value& v : arguments) {
        if (*wanted != Kind::dyn && *wanted != v.kind()) return false;
        wanted += o.variadic ? 0 : 1;
    }
    return true;
}

[[gnu::cold]] Value no_overload(const std::string& name) { return Value::failure("no such overload of '" + name + "'"); }

[[gnu::cold]] Value no_overload(const std::string& name, std::span<const Value> arguments) {
    std::string kinds;
    for (const Value& v : arguments) (kinds += kinds.empty() ? "" : ", ") += to_string(v.kind());
    return Value::failure("no such overload of '" + name + "' for (" + kinds + ")");
}

[[gnu::cold]] Value no_expression() { return Value::failure("not an expression"); }

}  // namespace

Value Evaluation::value(NodeId id) {
    if (!spend(1)) return too_costly();
    const auto node = [&]() -> const Node& { return ast_.nodes[id]; };
    const Meaning& m = checked_.meanings[id];
    switch (m.deed) {
        case Deed::fail: return m.constant.usable() ? no_overload(node().name) : m.constant;
        case Deed::constant: return m.constant;
        case Deed::variable: return lookup_(m.index);
        case Deed::local: return locals_[m.index];
        case Deed::field: return field(node());
        case Deed::has_field: return has_field(node());
        case Deed::has_variable: {
            Value v = lookup_(m.index);
            return v.kind() == Kind::failure ? v : Value(v.usable());
        }
        case Deed::list: return list(node());
        case Deed::map: return map(node());
        case Deed::both: return decide(id, false);
        case Deed::either: return decide(id, true);
        case Deed::choose: return choose(node());
        case Deed::call: return m.test ? compare(id) : call(id);
        case Deed::matches: return found(id);
        case Deed::comprehension: return comprehension(id);
    }
    return no_expression();
}

Value Evaluation::built(Value v) {
    if (depth(v) > kDeepestValue)
        return Value::failure("the value is nested deeper than " + std::to_string(kDeepestValue) + " levels");
    return spend(weight(v)) ? std::move(v) : too_costly();
}

Value Evaluation::field(const Node& n) {
    const Value operand = value(n.children[0]);
    if (!operand.usable()) return operand;
    const Map* map = operand.map();
    if (!map)
        return Value::failure(std::string(to_string(operand.kind())) + " has no field '" + n.name + "'");
    const Value* found = map->find(n.name);
    return found ? *found : Value::failure("no such key: '" + n.name + "'");
}

Value Evaluation::has_field(const Node& n) {
    const Value operand = value(n.children[0]);
    if (!operand.usable()) return operand;
    const Map* map = operand.map();
    if (!map)
        return Value::failure(std::string(to_string(operand.kind())) + " has no field '" + n.name + "'");
    return map->find(n.name) != nullptr;
}

Value Evaluation::list(const Node& n) {
    std::vector<Value> values;
    values.reserve(n.children.size());
    Value worst;
    for (const NodeId child : n.children) note(worst, values.emplace_back(value(child)));
    return worst.usable() ? built(Value::list(std::move(values))) : worst;
}

Value Evaluation::map(const Node& n) {
    std::vector<Map::Entry> entries;
    Value worst;
    for (std::size_t i = 0; i + 1 < n.children.size(); i += 2) {
        Map::Entry& entry = entries.emplace_back(value(n.children[i]), value(n.children[i + 1]));
        note(worst, entry.first);
        note(worst, entry.second);
    }
    return worst.usable() ? built(Map::make(std::move(entries))) : worst;
}

// && is decided by one false, || by one true, on whichever side.
Value Evaluation::decide(NodeId id, bool deciding) {
    const Meaning& m = checked_.meanings[id];
    const Value left = value(m.left);
    const bool* l = left.get<bool>();
    if (l && *l == deciding) return deciding;
    const Value right = value(m.right);
    const bool* r = right.get<bool>();
    if (r && *r == deciding) return deciding;
    if (l && r) return !deciding;
    Value worst;
    note(worst, left);
    note(worst, right);
    return worst.usable() ? no_overload(ast_.nodes[id].name) : worst;
}

Value Evaluation::choose(const Node& n) {
    const Value condition = value(n.children[0]);
    if (const bool* b = condition.get<bool>()) return value(n.children[*b ? 1 : 2]);
    return condition.usable() ? no_overload("_?_:_") : condition;
}

// One side of a comparison: constants and variables of macros are used where they are.
class Evaluation::Operand {
public:
    Operand(Evaluation& evaluation, NodeId id)
        : there_(evaluation.in_place(id)), made_(there_ ? Value() : evaluation.value(id)) {}
    [[nodiscard]] const Value& value() const { return there_ ? *there_ : made_; }
    [[nodiscard]] Value take() { return there_ ? *there_ : std::move(made_); }

private:
    const Value* there_;
    Value made_;
};

const Value* Evaluation::in_place(NodeId id) {
    const Meaning& m = checked_.meanings[id];
    if (m.deed != Deed::constant && m.deed != Deed::local) return nullptr;
    if (!spend(1)) return nullptr;  // value() tells of it
    return m.deed == Deed::constant ? &m.constant : &locals_[m.index];
}

Value Evaluation::compare(NodeId id) {
    const Meaning& m = checked_.meanings[id];
    Operand left(*this, m.left), right(*this, m.right);
    if (left.value().kind() == m.compared && right.value().kind() == m.compared) return m.test(left.value(), right.value());
    std::array<Value, 2> two{left.take(), right.take()};
    return called(id, two);
}

// Most calls have one or two arguments: those live on the stack.
Value Evaluation::call(NodeId id) {
    const Meaning& m = checked_.meanings[id];
    const auto& children = ast_.nodes[id].children;
    switch (children.size() - m.first_child) {
        case 1: {
            std::array<Value, 1> one{value(children.back())};
            return called(id, one);
        }
        case 2: {
            std::array<Value, 2> two{value(m.left), value(m.right)};
            return called(id, two);
        }
        default: break;
    }
    std::vector<Value> many;
    for (std::size_t i = m.first_child; i < children.size(); ++i) many.push_back(value(children[i]));
    return called(id, many);
}

Value Evaluation::called(NodeId id, std::span<Value> arguments) {
    if (std::ranges::all_of(arguments, &Value::usable)) return apply(id, arguments);
    Value worst;
    for (const Value& v : arguments) note(worst, v);
    return worst;
}

Value Evaluation::apply(NodeId id, std::span<Value> arguments) {
    const Meaning& m = checked_.meanings[id];
    std::uint64_t cost = 0;
    for (const Value& v : arguments)
        if (v.kind() >= Kind::text) cost += weight(v);
    if (!spend(cost)) return too_costly();
    const auto done = [&](const Overload& o) {
        if (o.cost && !spend(o.cost(arguments))) return too_costly();
        Value out = o.apply(arguments);
        return out.kind() >= Kind::text && out.usable() ? built(std::move(out)) : out;
    };
    if (m.only && takes(*m.only, arguments)) return done(*m.only);
    for (const Overload& o : m.overloads)
        if (takes(o, arguments)) return done(o);
    return no_overload(ast_.nodes[id].name, arguments);
}

Value Evaluation::found(NodeId id) {
    const Meaning& m = checked_.meanings[id];
    Value subject = value(ast_.nodes[id].children[m.first_child]);
    if (!subject.usable()) return subject;
    const auto* text = subject.get<std::string>();
    if (!text)
        return Value::failure("no such overload of 'matches' for (" + std::string(to_string(subject.kind())) +
                              ", string)");
    return spend(weight(subject)) ? Value(m.pattern->found_in(*text)) : too_costly();
}

}  // namespace autotune::cel
