// A trace from its first event to its report: sources polled, events recorded, drawn and analysed as they
// come.
#pragma once

#include "cli/trace_request.hpp"

namespace autotune::cli {

// Exit status: the command's own where there is one (128 + signal; 125 when the report could not be made),
// else 0 when done, 1 failed, 2 for a request that cannot be answered.
[[nodiscard]] int run_trace(const TraceRequest& request);

}  // namespace autotune::cli
