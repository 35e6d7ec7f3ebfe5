// How sure a measured bill is: a bootstrap over time.
//
// The time measured is cut into equal slices; of them as many are drawn with replacement, again and again, and each draw is
// billed (block bootstrap: H. Künsch, The jackknife and the bootstrap for general stationary observations, Annals of
// Statistics 17, 1989). What happened at one time stays together, so functions that call each other, bursts and slow
// moments count as they hang together, so far as they are shorter than a slice. What the time measured does not hold, nights
// or sales, is in no draw. Pure; the same figures give the same interval.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/measured_cost.hpp"
#include "core/result.hpp"

namespace autotune::analysis {

// Of the bill of `model`, which is the measured one or one of the same endpoints in the same order with other memories, tariffs or
// durations (loads from outside as measured). nullopt: fewer than two slices hold invocations, or tell of
// another memory that take_measured() took. Errors: those of bill_of.
[[nodiscard]] Result<std::optional<CostInterval>> cost_interval(const MeasuredCost& measured, const CostModel& model,
                                                                const std::vector<Tariff>& tariffs, std::uint32_t draws = 1'000);

}  // namespace autotune::analysis
