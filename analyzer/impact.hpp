// What a function's failed and slow invocations of a window took, in GB-seconds. Pure.
#pragma once

#include "analyzer/history.hpp"
#include "core/plan.hpp"

namespace autotune::analysis {

// Of invocations that ended in [from, to]. A failed one counts whole, with its init phase; one that ended well and took
// longer than `slow_over` (0: none is slow) what is above it. The error is that of a compound Poisson sum: 1.96 times the
// root of the sum of squares, each with its weight squared where it stands for several. `watched` and money are the caller's.
[[nodiscard]] Impact impact_of(const FunctionBook& book, Timestamp from, Timestamp to, Nanos slow_over);

}  // namespace autotune::analysis
