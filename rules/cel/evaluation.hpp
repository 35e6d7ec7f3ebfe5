// One evaluation of a program: walks the tree, counting what it costs. Recursion is bounded by kDeepestTree.
#pragma once

#include "rules/cel/program.hpp"

namespace autotune::cel {

class Evaluation {
public:
    Evaluation(const Ast& ast, const Checked& checked, const Program::Lookup& lookup)
        : ast_(ast), checked_(checked), lookup_(lookup), locals_(checked.locals) {}

    Value value(NodeId id);

private:
    class Operand;

    // What needs no evaluation; null: it does.
    const Value* in_place(NodeId id);
    Value field(const Node& n);
    Value has_field(const Node& n);
    Value list(const Node& n);
    Value map(const Node& n);
    Value decide(NodeId id, bool deciding);
    Value choose(const Node& n);
    Value compare(NodeId id);
    Value call(NodeId id);
    Value called(NodeId id, std::span<Value> arguments);  // which may be unusable
    Value apply(NodeId id, std::span<Value> arguments);
    Value found(NodeId id);
    // Macros
    Value comprehension(NodeId id);
    Value quantified(NodeId id, const Value& range);
    Value collected(NodeId id, const Value& range);

    // False when the evaluation has cost too much; then all that is left of it fails.
    bool spend(std::uint64_t cost) { return (spent_ += cost) <= kMostCost; }
    Value built(Value value);  // fails if it is too deep

    const Ast& ast_;
    const Checked& checked_;
    const Program::Lookup& lookup_;
    std::vector<Value> locals_;
    std::uint64_t spent_ = 0;
};

}  // namespace autotune::cel
