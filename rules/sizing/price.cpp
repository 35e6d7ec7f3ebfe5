#include "rules/sizing/price.hpp"

#include <algorithm>
#include <cmath>

namespace autotune::rules::sizing {

namespace {

// A normal's quantiles of (j + ½)/16, the upper half.
constexpr std::array kUpper{0.0784, 0.2372, 0.4023, 0.5791, 0.7764, 1.0100, 1.3180, 1.8627};
constexpr double kManySteps = 100;  // of so many the last is on average half used
constexpr double kMsPerSecond = 1000;

double usd_of(const std::optional<Meter>& meter) {
    return meter && !meter->tiers.empty() ? meter->tiers.front().usd.approximate() : 0;
}

}  // namespace

double Price::billed_ms(double ms) const {
    // Of times that are whole steps but for the last digit of a double, none more is billed.
    const double steps = step_ms > 0 ? std::ceil(ms / step_ms - 1e-9) * step_ms : ms;
    return std::max(steps, least_ms);
}

Result<Price> price_of(const Tariff& tariff, const std::vector<std::uint32_t>& sizes_mb) {
    Price price{.step_ms = tariff.step_ms.approximate(),
                .least_ms = tariff.least_ms.approximate(),
                .init_billed = tariff.init_billed,
                .at = {}};
    const double usd_gb_s = usd_of(tariff.memory), usd_cpu_s = usd_of(tariff.cpu);
    if (!(usd_gb_s > 0) && !(usd_cpu_s > 0))
        return fail(Errc::invalid_argument, tariff.name + " asks nothing for time: no size is cheaper than another");
    for (const std::uint32_t mb : sizes_mb) {
        const auto size = billed_size(tariff, mb);
        if (!size) return size.forward();
        const double gb = static_cast<double>(size->memory_mb) / tariff.megabytes_a_gb.approximate();
        const double cpu = size->cpu.approximate();
        price.at.push_back({(gb * usd_gb_s + cpu * usd_cpu_s) / kMsPerSecond, gb, cpu});
    }
    return price;
}

MeanBilled::MeanBilled(const Price& price, double sd) : price_(price) {
    double sum = 0;
    for (std::size_t j = 0; j < kPoints / 2; ++j) {
        times_[2 * j] = std::exp(sd * kUpper[j]), times_[2 * j + 1] = std::exp(-sd * kUpper[j]);
        sum += times_[2 * j] + times_[2 * j + 1];
    }
    for (double& t : times_) t *= kPoints / sum;
}

double MeanBilled::ms(double mean_ms) const {
    const double step = price_.step_ms;
    if (step <= 0 && price_.least_ms <= 0) return mean_ms;
    if (mean_ms > kManySteps * step && mean_ms > kManySteps * price_.least_ms) return mean_ms + step / 2;
    double sum = 0;
    for (const double t : times_) sum += price_.billed_ms(mean_ms * t);
    return sum / kPoints;
}

}  // namespace autotune::rules::sizing
