#include "net/retry.hpp"

#include <algorithm>
#include <cmath>

namespace autotune::net {

Nanos backoff(const RetryPolicy& policy, unsigned attempt, double random) {
    // In floating point: a doubling too many is infinity, which the cap takes care of.
    const double grown =
        std::ldexp(static_cast<double>(policy.base.count()), static_cast<int>(std::min(attempt, 1000u)));
    const double bound = std::min(grown, static_cast<double>(policy.cap.count()));
    return Nanos(static_cast<Nanos::rep>(std::clamp(random, 0.0, 1.0) * bound));
}

}  // namespace autotune::net
