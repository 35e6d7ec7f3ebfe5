#include "analyzer/cost/cost_interval.hpp"

#include <algorithm>
#include <cstddef>
#include <random>

#include "analyzer/cost/bill.hpp"
#include "analyzer/cost/other_memory.hpp"

namespace autotune::analysis {

namespace {

CostSums sum_of(const std::vector<CostSums>& of, const std::vector<std::size_t>& slices) {
    std::vector<CostSums> drawn;
    for (const std::size_t s : slices) drawn.push_back(of[s]);
    return analysis::sum_of(drawn);
}

Decimal mean_ms(std::int64_t ns, std::uint64_t calls) {
    return Decimal(ns) / Decimal(static_cast<std::int64_t>(calls)) / Decimal(1'000'000);
}

// Calls are those of all memories; how long they take is what the drawn slices say of the other memory, which had its share of
// the time only, or all of it where they say nothing.
CostSums at_other(std::uint64_t calls, const MeasuredMemory& other, const std::vector<std::size_t>& slices) {
    CostSums times = sum_of(other.slices, slices);
    if (times.calls == 0) times = analysis::sum_of(other.slices);
    const double each = static_cast<double>(calls) / static_cast<double>(times.calls);
    const auto scaled = [&](std::int64_t sum) { return static_cast<std::int64_t>(static_cast<double>(sum) * each); };
    times.duration = scaled(times.duration);
    for (std::int64_t& billed : times.billed) billed = scaled(billed);
    times.calls = calls;
    return times;
}

// The model, were the period made of these slices. Each function is billed by its own count, so no calls are followed.
void put(const CostSums& sum, const MeasuredCost& measured, const CostEndpoint& was, CostEndpoint& e) {
    e.load = Decimal(static_cast<std::int64_t>(sum.calls)) * measured.scale;
    if (sum.calls == 0) return;
    if (e.duration_ms == was.duration_ms) e.duration_ms = mean_ms(sum.duration, sum.calls);  // else it was said
    if (e.billed_ms.empty()) return;
    for (std::size_t t = 0; t < measured.tariffs.size(); ++t) e.billed_ms[measured.tariffs[t]] = mean_ms(sum.billed[t], sum.calls);
}

}  // namespace

Result<std::optional<CostInterval>> cost_interval(const MeasuredCost& measured, const CostModel& model,
                                                  const std::vector<Tariff>& tariffs, std::uint32_t draws) {
    if (measured.functions.empty()) return std::optional<CostInterval>();
    const std::size_t slices = measured.functions.front().slices.size();
    std::size_t filled = 0;
    for (std::size_t s = 0; s < slices; ++s)
        filled += std::ranges::any_of(measured.functions, [&](const MeasuredEndpoint& f) { return f.slices[s].calls > 0; }) ? 1 : 0;
    for (const MeasuredEndpoint& f : measured.functions)
        if (const MeasuredMemory* other = other_memory(f, model.endpoints[f.endpoint]); other && analysis::filled(other->slices) < 2)
            return std::optional<CostInterval>();
    if (filled < 2 || draws == 0) return std::optional<CostInterval>();

    CostModel flat = model;
    for (CostEndpoint& e : flat.endpoints) e.calls.clear(), e.load = Decimal();
    std::mt19937_64 random(1);
    std::vector<Decimal> totals;
    std::vector<std::size_t> drawn(slices);
    for (std::uint32_t draw = 0; draw < draws; ++draw) {
        for (std::size_t& s : drawn) s = random() % slices;
        for (const MeasuredEndpoint& f : measured.functions) {
            CostEndpoint& e = flat.endpoints[f.endpoint];
            e = model.endpoints[f.endpoint];
            e.calls.clear();
            CostSums sum = sum_of(f.slices, drawn);
            const MeasuredMemory* other = other_memory(f, e);
            if (other) sum = at_other(sum.calls, *other, drawn);
            put(sum, measured, other ? e : measured.model.endpoints[f.endpoint], e);
        }
        const auto bill = bill_of(flat, tariffs);
        if (!bill) return bill.forward();
        totals.push_back(bill->charges.total());
    }
    std::ranges::sort(totals);
    CostInterval out{.draws = draws, .slices = static_cast<std::uint32_t>(slices)};
    const double beside = (1 - out.level) / 2 * static_cast<double>(draws - 1);
    const auto rank = static_cast<std::size_t>(beside);
    out.low = totals[rank];
    out.high = totals[draws - 1 - rank];
    return std::optional(out);
}

}  // namespace autotune::analysis
