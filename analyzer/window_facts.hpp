// Facts of one function over a window, computed exactly from its remembered invocations.
#pragma once

#include "analyzer/history.hpp"
#include "core/facts.hpp"

namespace autotune::analysis {

// Invocations that ended in [from, to]. What nothing was measured for is unknown. hottest_* and labels are
// not filled in.
[[nodiscard]] FunctionFacts window_facts(const FunctionBook& book, Timestamp from, Timestamp to);

// A deadline arrives as milliseconds of wall time, so that a limit of 3 s is seen as 2.998 s: within 50 ms
// below a whole second the limit is that second.
[[nodiscard]] Nanos configured_limit(Nanos seen);

}  // namespace autotune::analysis
