// The E-value of a one-sided sign test with a uniform prior on the alternative. Pure.
#pragma once

#include <cstdint>

namespace autotune::rules {

// ln of E = 2^(n+1)·B(s+1, n−s+1)·I½(s+1, n−s+1): evidence that the probability of the event seen `s`
// times in `n` trials is below one half. At least ln 1/(n+1), and finite for every n. REQUIRES s ≤ n.
[[nodiscard]] double log_sign_evidence(std::uint64_t s, std::uint64_t n);

}  // namespace autotune::rules
