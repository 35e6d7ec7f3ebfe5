// Call graphs, from sampled stacks and from exact traces. Pure.
#pragma once

#include "core/call_graph.hpp"
#include "core/profile.hpp"
#include "core/tables.hpp"
#include "core/trace.hpp"

namespace autotune {

// Functions are told apart by name, module and kind; their lines are one. O(nodes of the profile).
[[nodiscard]] CallGraph call_graph(const Profile& profile);

// Exact: calls, self and total time in nanoseconds. `tables`: the ids of the trace.
[[nodiscard]] CallGraph call_graph(const Trace& trace, const Tables& tables);

}  // namespace autotune
