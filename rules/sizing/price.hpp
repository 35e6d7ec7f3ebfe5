// What a call costs at a size, as a platform bills it: time in steps and a least time, times what a ms asks of the size.
//
// Of a tariff (docs/cost.md) the price of GB-s and of CPU-s of its first tier is taken, nothing is free, and a request,
// which costs the same at every size, is left out. Without one a call costs MB·ms. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/cost_model.hpp"
#include "core/result.hpp"

namespace autotune::rules::sizing {

struct SizePrice {
    double usd_per_ms = 0;  // of billed time
    double gb = 0;          // that are billed
    double cpu = 0;         // that the platform gives to the size, in a unit of its own; 0: not told
};

struct Price {
    double step_ms = 0, least_ms = 0;  // 0: as long as it takes
    bool init_billed = false;
    std::vector<SizePrice> at;  // by size, in the order of State::sizes_mb; empty: MB·ms

    [[nodiscard]] double billed_ms(double ms) const;
};

// Errors: invalid_argument, where the tariff has no such size, or asks nothing for time. REQUIRES: sizes ascending.
[[nodiscard]] Result<Price> price_of(const Tariff& tariff, const std::vector<std::uint32_t>& sizes_mb);

// The mean of what is billed for calls whose logarithms vary by `sd` around a mean: rounding up costs half a step where
// calls vary, and up to a whole one where they do not.
class MeanBilled {
public:
    MeanBilled(const Price& price, double sd);
    [[nodiscard]] double ms(double mean_ms) const;

private:
    static constexpr std::size_t kPoints = 16;  // equally probable ones
    const Price& price_;
    std::array<double, kPoints> times_{};
};

}  // namespace autotune::rules::sizing
