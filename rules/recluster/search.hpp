// The grouping of least cost: exactly where there are few functions, else by contraction and moves.
#pragma once

#include "rules/recluster/graph.hpp"

namespace autotune::rules {

inline constexpr std::size_t kMostExact = 12;

struct Found {
    Grouping groups;  // by their first function
    double cost = 0;  // GB-s a request
};

// Over all groupings, a dynamic programme over sets of functions: 3^n steps. REQUIRES: at most 20 functions.
[[nodiscard]] Found search_exact(const CallGraph& graph);

// Merges the pair of groups that saves most until none does, then moves functions between neighbouring groups.
[[nodiscard]] Found search_heuristic(const CallGraph& graph);

}  // namespace autotune::rules
