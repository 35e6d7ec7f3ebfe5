#include "rules/cel/evaluation.hpp"

#include <algorithm>
#include <array>

namespace autotune::cel {

namespace {

Value too_costly() {
    return Value::failure("the evaluation costs more than " + std::to_string(kMostCost) + " steps");
}

// Of the children of a node that needs them all: an unknown outweighs a failure, the first of each counts.
void note(Value& worst, const Value& v) {
    const Kind kind = v.kind();
    if (kind == Kind::unknown && worst.kind() != Kind::unknown) worst = v;
    if (kind == Kind::failure && worst.usable()) worst = v;
}

bool takes(const Overload& o, std::span<const Value> arguments) {
    const auto fits = [](Kind p, const Value& v) { return p == Kind::dyn || p == v.kind(); };
    if (o.variadic)
        return std::all_of(arguments.begin(), arguments.end(),
                           [&](const Value& v) { return fits(o.parameters[0], v); });
    return std::equal(o.parameters.begin(), o.parameters.end(), arguments.begin(), arguments.end(), fits);
}

}  // namespace

Value Evaluation::value(NodeId id) {
    if (!spend(1)) return too_costly();
    const Node& n = ast_.nodes[id];
    const Meaning& m = checked_.meanings[id];
    switch (m.deed) {
        case Deed::fail:
            return m.constant.usable() ? Value::failure("no such overload of '" + n.name + "'") : m.constant;
        case Deed::constant: return m.constant;
        case Deed::variable: return lookup_(m.index);
        case Deed::local: return locals_[m.index];
        case Deed::field: return field(n);
        case Deed::has_field: return has_field(n);
        case Deed::has_variable: {
            Value v = lookup_(m.index);
            return v.kind() == Kind::failure ? v : Value(v.usable());
        }
        case Deed::list: return list(n);
        case Deed::map: return map(n);
        case Deed::both: return decide(n, false);
        case Deed::either: return decide(n, true);
        case Deed::choose: return choose(n);
        case Deed::call: return call(id);
        case Deed::matches: return found(id);
        case Deed::comprehension: return comprehension(id);
    }
    return Value::failure("not an expression");
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
Value Evaluation::decide(const Node& n, bool deciding) {
    Value left = value(n.children[0]);
    if (const bool* b = left.get<bool>(); b && *b == deciding) return left;
    Value right = value(n.children[1]);
    if (const bool* b = right.get<bool>(); b && *b == deciding) return right;
    if (left.get<bool>() && right.get<bool>()) return !deciding;
    Value worst;
    note(worst, left);
    note(worst, right);
    return worst.usable() ? Value::failure("no such overload of '" + n.name + "'") : worst;
}

Value Evaluation::choose(const Node& n) {
    const Value condition = value(n.children[0]);
    if (const bool* b = condition.get<bool>()) return value(n.children[*b ? 1 : 2]);
    return condition.usable() ? Value::failure("no such overload of '_?_:_'") : condition;
}

// Most calls have one or two arguments: those live on the stack.
Value Evaluation::call(NodeId id) {
    const auto& children = ast_.nodes[id].children;
    const std::uint32_t first = checked_.meanings[id].first_child;
    const auto run = [&](std::span<Value> arguments) {
        Value worst;
        for (const Value& v : arguments) note(worst, v);
        return worst.usable() ? apply(id, arguments) : worst;
    };
    switch (children.size() - first) {
        case 1: {
            std::array<Value, 1> one{value(children[first])};
            return one[0].usable() ? apply(id, one) : std::move(one[0]);
        }
        case 2: {
            std::array<Value, 2> two{value(children[first]), value(children[first + 1])};
            return two[0].usable() && two[1].usable() ? apply(id, two) : run(two);
        }
        default: break;
    }
    std::vector<Value> many;
    for (std::size_t i = first; i < children.size(); ++i) many.push_back(value(children[i]));
    return run(many);
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
    std::string kinds;
    for (const Value& v : arguments) (kinds += kinds.empty() ? "" : ", ") += to_string(v.kind());
    return Value::failure("no such overload of '" + ast_.nodes[id].name + "' for (" + kinds + ")");
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
