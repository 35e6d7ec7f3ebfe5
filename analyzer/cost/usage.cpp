#include "analyzer/cost/usage.hpp"

#include <algorithm>

namespace autotune::analysis {

namespace {

Decimal billed_seconds(Decimal ms, const Tariff& tariff) {
    const Decimal steps = (ms / tariff.step_ms).ceiling();
    static const Decimal kSecond = *Decimal::parse("0.001");
    return std::max(steps * tariff.step_ms, tariff.least_ms) * kSecond;
}

// Of each call as it was; a duration that is known for another memory is not that of this one.
const Decimal* billed_mean(const CostService& service, const CostEndpoint& endpoint, const Tariff& tariff) {
    if (!endpoint.duration_at.empty() && service.memory_mb != endpoint.billed_memory_mb) return nullptr;
    const auto found = endpoint.billed_ms.find(tariff.name);
    return found == endpoint.billed_ms.end() ? nullptr : &found->second;
}

}  // namespace

Result<Usage> usage_of(const CostService& service, const CostEndpoint& endpoint, const Tariff& tariff) {
    const auto size = billed_size(tariff, service.memory_mb);
    if (!size) return fail(size.error().code, service.name + " has " + size.error().message);
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
