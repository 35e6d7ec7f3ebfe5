// What request reconstruction says of ambiguous calls of an OwnerGraph.
//
// Each process that made ambiguous calls is a service; its works are the calls it served, and all calls it made are to be
// explained, so that the ambiguous ones are decided together. What is not likelier than not stays ambiguous.
#pragma once

#include <vector>

#include "core/owner_graph.hpp"

namespace autotune::analysis {

inline constexpr double kLeastConfidence = 0.5;

// A JoinResolver (core/owner_graph.hpp).
[[nodiscard]] std::vector<JoinGuess> guess_by_pattern(const OwnerGraph& graph, const std::vector<std::size_t>& ambiguous);

}  // namespace autotune::analysis
