// CostMeter: the cost model of what was measured: invocation records and the edges of the graph of owners.
//
// Of each function: the memory of its newest invocation, mean duration, mean billed time by tariff (each call is rounded
// by itself), init phase and share of cold starts, all at that memory; the durations at other memories beside it. Calls from
// function to function are edges' calls by the caller's invocations in the edges' time; what is left of a function's invocations
// is load from outside. So the calls that the model computes are those measured, times the scale. Pure. One owner.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/invocation.hpp"
#include "core/measured_cost.hpp"
#include "core/owner_graph.hpp"
#include "core/result.hpp"

namespace autotune::analysis {

struct CostMeterOptions {
    WallTime from, to;  // REQUIRES: from < to
    Decimal period_hours = 730;
    std::uint32_t slices = 20;
};

class CostMeter {
public:
    // `calls`: edges alone are looked at; none without wall_to. Both must outlive this.
    CostMeter(CostMeterOptions options, const std::vector<Tariff>& tariffs, const OwnerGraph& calls);

    // Those that began outside of the time are not counted.
    void add(const Invocation& invocation);
    // Errors: not_found: no invocation was counted. REQUIRES: called once.
    [[nodiscard]] Result<MeasuredCost> finish();

private:
    struct AtMemory {
        std::uint64_t records = 0, calls = 0, cold = 0, init_known = 0;  // weighted but the first
        std::int64_t duration = 0, init = 0;                             // sums, ns
        std::vector<CostSums> slices;
    };
    struct Function {
        std::map<std::uint32_t, AtMemory> at;  // by MB; 0: not known
        std::vector<std::uint64_t> calls;      // by slice
        std::uint64_t in_edges_time = 0, calls_not_told = 0, held = 0;
        WallTime newest;
        std::uint32_t memory_mb = 0;  // of the newest that tells it
        Boundary boundary{};
    };

    void count(AtMemory& at, const Invocation& invocation, std::size_t slice) const;
    void describe(const FunctionRef& name, const Function& function, MeasuredCost& out) const;

    CostMeterOptions options_;
    const std::vector<Tariff>& tariffs_;
    const OwnerGraph& calls_;
    std::map<FunctionRef, Function> functions_;
    std::uint64_t records_ = 0;
};

}  // namespace autotune::analysis
