#include "analyzer/cost/cost_interval.hpp"

#include <algorithm>
#include <cstddef>
#include <random>

#include "analyzer/cost/bill.hpp"

namespace autotune::analysis {

namespace {

CostSums sum_of(const MeasuredEndpoint& measured, const std::vector<std::size_t>& slices) {
    CostSums sum{.billed = std::vector<std::int64_t>(measured.slices.front().billed.size())};
    for (const std::size_t s : slices) {
        const CostSums& one = measured.slices[s];
        sum.calls += one.calls;
        sum.duration += one.duration;
        for (std::size_t t = 0; t < sum.billed.size(); ++t) sum.billed[t] += one.billed[t];
    }
    return sum;
}

Decimal mean_ms(std::int64_t ns, std::uint64_t calls) {
    return Decimal(ns) / Decimal(static_cast<std::int64_t>(calls)) / Decimal(1'000'000);
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
            put(sum_of(f, drawn), measured, measured.model.endpoints[f.endpoint], e);
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
