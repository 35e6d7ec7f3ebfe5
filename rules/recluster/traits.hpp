// What the log itself tells of functions' needs: peaks, timeouts, how much of their own time is CPU.
#pragma once

#include "rules/recluster/constraints.hpp"

namespace autotune::rules {

// Fills in, of functions in `log`, what `constraints` do not say: the largest peak, the shortest timeout, and the CPU's
// share of the function's own time, which is its duration without the synchronous calls it waited for.
void add_recorded_traits(const CallLog& log, GroupConstraints& constraints);

}  // namespace autotune::rules
