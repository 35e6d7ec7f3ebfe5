// Percentiles of a sample, exact, by nearest rank: the smallest value that at least q of the sample do
// not exceed. No interpolation: what is returned has really happened.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <span>

namespace autotune::analysis {

// Of values in any order, which it puts into another: no sort, as most of their order is not asked for.
// REQUIRES: 0 < q <= 1. nullopt when empty.
template <class T>
[[nodiscard]] std::optional<T> percentile(std::span<T> values, double q) {
    if (values.empty()) return std::nullopt;
    // The small constant keeps 0.95 * 20 at 19 where binary fractions would make it 19.000000000000004.
    const double rank = std::ceil(q * static_cast<double>(values.size()) - 1e-9);
    const auto at = std::min(static_cast<std::size_t>(std::max(rank, 1.0)) - 1, values.size() - 1);
    std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(at), values.end());
    return values[at];
}

}  // namespace autotune::analysis
