#include "rules/plan/call_price.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>

#include "rules/sizing/price.hpp"

namespace autotune::rules {

namespace {

constexpr double kP99 = 2.3263;  // of a normal, in standard deviations

// What a call's billed time asks at each of both sizes, the second by the first.
Result<double> billed_ratio(const CallPrice& price, double to_mb) {
    const double time = price.model.time_ratio(to_mb);
    if (!price.tariff) return to_mb / price.model.from_mb * time;
    // As the tuner wants them, ascending: a resize may also be one down.
    const auto from = static_cast<std::uint32_t>(price.model.from_mb), to = static_cast<std::uint32_t>(to_mb);
    const auto asked = sizing::price_of(*price.tariff, {std::min(from, to), std::max(from, to)});
    if (!asked) return asked.forward();
    const double before = asked->at[from <= to ? 0 : 1].usd_per_ms, after = asked->at[from <= to ? 1 : 0].usd_per_ms;
    if (!(before > 0)) return fail(Errc::invalid_argument, price.tariff->name + " asks nothing for " + std::to_string(from) + " MB");
    const double a_ms = after / before;
    if (!price.now) return a_ms * time;
    const sizing::MeanBilled billed(*asked, price.now->log_sd);
    return a_ms * billed.ms(price.now->mean_ms * time) / billed.ms(price.now->mean_ms);
}

}  // namespace

std::optional<CallTime> call_time(const FunctionFacts& facts) {
    const auto p50 = facts.fn.number(Fact::fn_p50), p99 = facts.fn.number(Fact::fn_p99);
    if (!p50 || *p50 <= 0) return std::nullopt;
    const double sd = p99 && *p99 > *p50 ? std::log(*p99 / *p50) / kP99 : 0;
    return CallTime{*p50 * 1000 * std::exp(sd * sd / 2), sd};
}

Result<double> cost_ratio(const CallPrice& price, const CostChange& change) {
    if (change.failure_rate_before >= 1) return 0.0;
    const auto billed = billed_ratio(price, change.to_mb);
    if (!billed) return billed.forward();
    return *billed * (1 - change.failure_rate_before) / std::max(1 - change.failure_rate_after, 1e-9);
}

}  // namespace autotune::rules
