// Who calls whom in a measured cost model.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "core/measured_cost.hpp"
#include "core/owner_graph.hpp"

namespace autotune::analysis {

// Gives the model's functions their calls, and takes these off the load from outside, which before is all calls; adds what
// functions call that is no function of the model, as services that cost nothing until somebody says what. `callers`:
// invocations of each function in the time of `graph`. Pure.
void measure_calls(MeasuredCost& cost, const OwnerGraph& graph, const std::map<std::string, std::uint64_t>& callers);

}  // namespace autotune::analysis
