// Retry: how long to wait before trying again. Exponential backoff with full jitter: after a common
// failure the clients come back spread over the whole interval, not in waves.
#pragma once

#include "core/time.hpp"

namespace autotune::net {

struct RetryPolicy {
    Nanos base = std::chrono::milliseconds(100);  // upper bound of the first wait
    Nanos cap = std::chrono::seconds(20);         // upper bound of all later ones
    unsigned attempts = 5;                        // tries in all, the first included
};

// The wait after failed try number `attempt` (0 = the first): random · min(cap, base · 2^attempt).
// `random` is uniform in [0, 1) and the caller's, so that tests know the answer.
[[nodiscard]] Nanos backoff(const RetryPolicy& policy, unsigned attempt, double random);

}  // namespace autotune::net
