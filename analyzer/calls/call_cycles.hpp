// Which functions can reach each other by calls. Only this file's .cpp knows Boost.Graph.
#pragma once

#include "core/call_graph.hpp"

namespace autotune::analysis {

// Numbers the cycles from 1, in the order of their first function, and marks the functions that call themselves: strongly
// connected components (Tarjan 1972). A function that only calls itself is of no cycle. O(functions + edges).
void mark_cycles(CallGraph& graph);

}  // namespace autotune::analysis
