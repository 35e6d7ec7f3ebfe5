// Percentiles of a sample, exact, by nearest rank: the smallest value that at least q of the sample do
// not exceed. No interpolation: what is returned has really happened.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
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

// A value that was seen once and stands for so many like it.
template <class T>
struct Weighted {
    T value;
    std::uint32_t stands_for = 1;
};

// The same of values that stand for several: the smallest that at least q of all they stand for do not exceed.
template <class T>
[[nodiscard]] std::optional<T> percentile(std::span<Weighted<T>> values, double q) {
    if (values.empty()) return std::nullopt;
    const auto weight = [](std::span<const Weighted<T>> some) {
        std::uint64_t sum = 0;
        for (const auto& v : some) sum += v.stands_for;
        return static_cast<double>(sum);
    };
    double rank = std::max(std::ceil(q * weight(values) - 1e-9), 1.0);
    while (values.size() > 1) {  // the half that holds the rank, again and again
        const std::size_t half = values.size() / 2;
        std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(half), {}, &Weighted<T>::value);
        const double lower = weight(values.first(half));
        if (lower >= rank) {
            values = values.first(half);
        } else {
            rank -= lower;
            values = values.subspan(half);
        }
    }
    return values.front().value;
}

}  // namespace autotune::analysis
