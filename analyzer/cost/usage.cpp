#include "analyzer/cost/usage.hpp"

#include <algorithm>

namespace autotune::analysis {

namespace {

Decimal billed_seconds(Decimal ms, const Tariff& tariff) {
    const Decimal steps = (ms / tariff.step_ms).ceiling();
    static const Decimal kSecond = *Decimal::parse("0.001");
    return std::max(steps * tariff.step_ms, tariff.least_ms) * kSecond;
}

Result<TariffSize> size_of(const CostService& service, const Tariff& tariff) {
    const auto refuse = [&](std::int64_t most) -> Unexpected {
        return fail(Errc::invalid_argument, service.name + " has " + std::to_string(service.memory_mb) +
                                                " MB of memory; " + tariff.name + " goes up to " +
                                                std::to_string(most) + " MB");
    };
    if (!tariff.sizes.empty()) {
        for (const TariffSize& size : tariff.sizes)
            if (size.memory_mb >= service.memory_mb) return size;
        return refuse(tariff.sizes.back().memory_mb);
    }
    if (tariff.most_memory_mb > 0 && service.memory_mb > tariff.most_memory_mb)
        return refuse(tariff.most_memory_mb);
    const std::int64_t step = tariff.memory_step_mb;
    const std::int64_t memory =
        (std::max(service.memory_mb, tariff.least_memory_mb) + step - 1) / step * step;
    return TariffSize{memory, {}};
}

}  // namespace

namespace {

// Of each call as it was; a duration that is known for another memory is not that of this one.
const Decimal* billed_mean(const CostService& service, const CostEndpoint& endpoint, const Tariff& tariff) {
    if (!endpoint.duration_at.empty() && service.memory_mb != endpoint.billed_memory_mb) return nullptr;
    const auto found = endpoint.billed_ms.find(tariff.name);
    return found == endpoint.billed_ms.end() ? nullptr : &found->second;
}

}  // namespace

Result<Usage> usage_of(const CostService& service, const CostEndpoint& endpoint, const Tariff& tariff) {
    const auto size = size_of(service, tariff);
    if (!size) return size.forward();
    const auto used = [&](Decimal seconds) {
        return Usage{seconds * Decimal(size->memory_mb) / tariff.megabytes_a_gb,
                     seconds * service.cpu.value_or(size->cpu)};
    };
    if (const Decimal* billed = billed_mean(service, endpoint, tariff)) return used(*billed / Decimal(1'000));
    Decimal ms = endpoint.duration_ms;
    if (!endpoint.duration_at.empty()) {
        const auto found = endpoint.duration_at.find(service.memory_mb);
        if (found == endpoint.duration_at.end())
            return fail(Errc::invalid_argument, endpoint.name + " has no duration_ms for " +
                                                    std::to_string(service.memory_mb) + " MB");
        ms = found->second;
    }
    Decimal seconds = billed_seconds(ms, tariff);
    if (tariff.init_billed && !endpoint.cold.is_zero())
        seconds = seconds * (Decimal(1) - endpoint.cold) +
                  billed_seconds(ms + endpoint.init_ms, tariff) * endpoint.cold;
    return used(seconds);
}

}  // namespace autotune::analysis
