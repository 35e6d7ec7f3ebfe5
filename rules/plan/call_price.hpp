// What a call costs at one size against another, by what a platform bills: the price that `autotune size --tariff` counts with.
//
// Without a tariff a call costs its time times its memory, and is billed as long as it takes. The time itself is the time
// model's: it is the platform that carries a change out that gives the CPU, whoever's prices are asked. Pure.
#pragma once

#include <optional>

#include "core/cost_model.hpp"
#include "core/facts.hpp"
#include "core/result.hpp"
#include "rules/plan/time_model.hpp"

namespace autotune::rules {

// How long calls take, for what is rounded up to a platform's steps: a mean, and how far the logarithms lie apart.
struct CallTime {
    double mean_ms = 0, log_sd = 0;
};
// Of the median and the 99th percentile, as if times were log-normal. nullopt: not known, so nothing is rounded.
[[nodiscard]] std::optional<CallTime> call_time(const FunctionFacts& facts);

struct CostChange {
    double to_mb = 0;
    double failure_rate_before = 0, failure_rate_after = 0;  // 0..1
};

struct CallPrice {
    const TimeModel& model;
    const Tariff* tariff = nullptr;  // null: time × memory
    std::optional<CallTime> now;     // at model.from_mb
};

// Predicted price of one successful call after / before: size and time as billed, failures are paid for too. 0 when nothing
// succeeded before: then any price is worth it. Errors: invalid_argument, where the tariff does not
// have one of the sizes, or asks nothing for it.
[[nodiscard]] Result<double> cost_ratio(const CallPrice& price, const CostChange& change);

}  // namespace autotune::rules
