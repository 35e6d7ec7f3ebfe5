// Macros: each goes over its range once, its body evaluated with the variables set.
#include <algorithm>

#include "rules/cel/evaluation.hpp"

namespace autotune::cel {

namespace {

// The elements of a list with their positions, the entries of a map in their order.
class Range {
public:
    explicit Range(const Value& v) : elements_(v.elements()), map_(v.map()) {}
    [[nodiscard]] bool valid() const { return elements_ || map_; }
    [[nodiscard]] bool of_map() const { return map_ != nullptr; }
    [[nodiscard]] std::size_t size() const { return map_ ? map_->entries().size() : elements_->size(); }
    [[nodiscard]] Value key(std::size_t i) const {
        return map_ ? map_->entries()[i].first : Value(static_cast<std::int64_t>(i));
    }
    [[nodiscard]] const Value& element(std::size_t i) const {
        return map_ ? map_->entries()[i].second : (*elements_)[i];
    }

private:
    const std::vector<Value>* elements_;
    const Map* map_;
};

// Sets the variables of `n`, the first of which is `first`, to what is at `i`.
void enter(const Node& n, const Range& range, std::size_t i, Value* first) {
    if (n.variables.size() == 2) {
        first[0] = range.key(i);
        first[1] = range.element(i);
    } else {
        first[0] = range.of_map() ? range.key(i) : range.element(i);
    }
}

Value no_bool(const Node& n, const Value& v) {
    if (!v.usable()) return v;
    return Value::failure(n.name + "() needs a bool, this is " + std::string(to_string(v.kind())));
}

}  // namespace

Value Evaluation::comprehension(NodeId id) {
    const Node& n = ast_.nodes[id];
    Value range = value(n.children[0]);
    if (n.macro == Macro::bind) {
        locals_[checked_.meanings[id].index] = std::move(range);
        return value(n.children[1]);
    }
    if (!range.usable()) return range;
    if (!Range(range).valid())
        return Value::failure(n.name + "() goes over a list or a map, this is " +
                              std::string(to_string(range.kind())));
    const bool quantifies = n.macro == Macro::all || n.macro == Macro::exists || n.macro == Macro::exists_one;
    return quantifies ? quantified(id, range) : collected(id, range);
}

// all() is decided by one false, exists() by one true, whatever the others are; exists_one() needs all.
Value Evaluation::quantified(NodeId id, const Value& over) {
    const Node& n = ast_.nodes[id];
    const Range range(over);
    const bool one = n.macro == Macro::exists_one;
    std::size_t count = 0;
    Value worst;
    for (std::size_t i = 0; i < range.size(); ++i) {
        enter(n, range, i, &locals_[checked_.meanings[id].index]);
        const Value v = value(n.children.back());
        const bool* b = v.get<bool>();
        if (b && *b) ++count;
        if (b && !one && *b == (n.macro == Macro::exists)) return *b;
        if (b) continue;
        const Value wrong = no_bool(n, v);
        if (wrong.kind() == Kind::unknown ? worst.kind() != Kind::unknown : worst.usable()) worst = wrong;
        if (spent_ > kMostCost) return worst;
    }
    if (!worst.usable()) return worst;
    return one ? count == 1 : n.macro == Macro::all;
}

Value Evaluation::collected(NodeId id, const Value& over) {
    const Node& n = ast_.nodes[id];
    const Range range(over);
    std::vector<Value> out;
    std::vector<Map::Entry> entries;
    Value unknown;
    for (std::size_t i = 0; i < range.size(); ++i) {
        enter(n, range, i, &locals_[checked_.meanings[id].index]);
        const bool filters = n.macro == Macro::filter;
        if (filters || n.conditional) {
            const Value v = value(n.children[1]);
            const bool* b = v.get<bool>();
            if (v.kind() == Kind::unknown) {
                unknown = v;
                continue;
            }
            if (!b) return no_bool(n, v);
            if (!*b) continue;
        }
        Value v = filters ? (range.of_map() ? range.key(i) : range.element(i)) : value(n.children.back());
        if (v.kind() == Kind::failure) return v;
        if (v.kind() == Kind::unknown) unknown = v;
        if (n.macro == Macro::transform_map)
            entries.emplace_back(range.key(i), std::move(v));
        else
            out.push_back(std::move(v));
    }
    if (!unknown.usable()) return unknown;
    return built(n.macro == Macro::transform_map ? Map::make(std::move(entries))
                                                 : Value::list(std::move(out)));
}

}  // namespace autotune::cel
