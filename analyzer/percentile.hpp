// Percentiles of a sample, exact, by nearest rank: the smallest value that at least q of the sample do
// not exceed. No interpolation: what is returned has really happened.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <span>

namespace autotune::analysis {

// REQUIRES: `sorted` ascends, 0 < q <= 1. nullopt when empty.
template <class T>
[[nodiscard]] std::optional<T> percentile(std::span<const T> sorted, double q) {
    if (sorted.empty()) return std::nullopt;
    // The small constant keeps 0.95 * 20 at 19 where binary fractions would make it 19.000000000000004.
    const double rank = std::ceil(q * static_cast<double>(sorted.size()) - 1e-9);
    const auto at = static_cast<std::size_t>(std::max(rank, 1.0)) - 1;
    return sorted[std::min(at, sorted.size() - 1)];
}

}  // namespace autotune::analysis
