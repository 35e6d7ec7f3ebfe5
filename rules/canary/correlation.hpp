// Whether what one pair says foretells what the next will say. Pure.
#pragma once

#include <cstdint>
#include <span>

#include "rules/canary/judge.hpp"

namespace autotune::rules {

struct SignCorrelation {
    double lag_one = 0;       // of the signs of x against y, in [−1, 1]; ties count as 0
    std::uint64_t pairs = 0;  // neighbours compared
    // Far beyond chance, and in the direction that makes evidence look larger than it is.
    [[nodiscard]] bool worrying() const;
};
[[nodiscard]] SignCorrelation sign_correlation(std::span<const Pair> pairs);

}  // namespace autotune::rules
