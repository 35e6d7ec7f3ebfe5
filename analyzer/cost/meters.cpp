#include "analyzer/cost/meters.hpp"

#include <algorithm>

namespace autotune::analysis {

std::uint32_t Meters::open(const Meter& meter) {
    const auto [found, is_new] = ids_.try_emplace(meter.pool, static_cast<std::uint32_t>(pools_.size()));
    if (is_new) pools_.push_back({.meter = &meter, .bill = {.name = meter.pool}});
    return found->second;
}

void Meters::settle() {
    std::map<std::string_view, Decimal> used;  // by free pool
    for (const Pool& pool : pools_) used[pool.meter->free_pool] += pool.bill.used;
    for (const auto& [name, id] : ids_) {
        Pool& pool = pools_[id];
        const Decimal all = used[pool.meter->free_pool];
        if (pool.bill.used.is_zero()) continue;
        if (free_tier_) {
            const Decimal free = pool.meter->free;
            // Each has its part of what is free.
            if (all <= free)
                pool.bill.free = pool.bill.used;
            else
                pool.bill.free = pool.bill.used == all ? free : free * (pool.bill.used / all);
        }
        pool.bill.usd = price_of(*pool.meter, pool.bill.used - pool.bill.free);
        pool.rate = pool.bill.usd / pool.bill.used;
    }
}

std::vector<MeterBill> Meters::bills() const {
    std::vector<MeterBill> out;
    for (const auto& [name, id] : ids_)
        if (!pools_[id].bill.used.is_zero()) out.push_back(pools_[id].bill);
    return out;
}

Decimal price_of(const Meter& meter, Decimal billable) {
    Decimal usd, from;
    for (const PriceTier& tier : meter.tiers) {
        const Decimal to = tier.up_to ? std::min(*tier.up_to, billable) : billable;
        if (to <= from) break;
        usd += (to - from) * tier.usd;
        from = to;
    }
    return usd;
}

}  // namespace autotune::analysis
