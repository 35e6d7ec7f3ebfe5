// Meters: what all endpoints use of what a tariff counts, its price, and each one's part of it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/bill.hpp"
#include "core/cost_model.hpp"

namespace autotune::analysis {

// Add all use, settle once, then ask for parts. One owner.
class Meters {
public:
    explicit Meters(bool free_tier) : free_tier_(free_tier) {}

    // The number to add use under. Meters of one pool share it. `meter` must outlive this.
    std::uint32_t open(const Meter& meter);
    void add(std::uint32_t id, Decimal used) { pools_[id].bill.used += used; }
    void settle();
    // USD for `used` of what was added.
    [[nodiscard]] Decimal part(std::uint32_t id, Decimal used) const { return pools_[id].rate * used; }
    // What rounding left over of the parts, which were `given` in sum: at most a unit of the 18th digit a
    // part.
    [[nodiscard]] Decimal rest(std::uint32_t id, Decimal given) const { return pools_[id].bill.usd - given; }
    [[nodiscard]] std::size_t size() const { return pools_.size(); }
    [[nodiscard]] std::vector<MeterBill> bills() const;

private:
    struct Pool {
        const Meter* meter = nullptr;
        MeterBill bill;
        Decimal rate;
    };
    bool free_tier_;
    std::map<std::string, std::uint32_t, std::less<>> ids_;
    std::vector<Pool> pools_;
};

// What `used` costs above what is free.
[[nodiscard]] Decimal price_of(const Meter& meter, Decimal billable);

}  // namespace autotune::analysis
