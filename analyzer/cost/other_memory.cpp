#include "analyzer/cost/other_memory.hpp"

#include <algorithm>

namespace autotune::analysis {

namespace {

Decimal mean_ms(std::int64_t ns, std::uint64_t calls) {
    return Decimal(ns) / Decimal(static_cast<std::int64_t>(calls)) / Decimal(1'000'000);
}

}  // namespace

CostSums sum_of(const std::vector<CostSums>& slices) {
    CostSums sum{.billed = std::vector<std::int64_t>(slices.empty() ? 0 : slices.front().billed.size())};
    for (const CostSums& one : slices) {
        sum.calls += one.calls;
        sum.duration += one.duration;
        for (std::size_t t = 0; t < sum.billed.size(); ++t) sum.billed[t] += one.billed[t];
    }
    return sum;
}

std::uint32_t filled(const std::vector<CostSums>& slices) {
    return static_cast<std::uint32_t>(std::ranges::count_if(slices, [](const CostSums& s) { return s.calls > 0; }));
}

const MeasuredMemory* other_memory(const MeasuredEndpoint& measured, const CostEndpoint& endpoint) {
    if (endpoint.billed_ms.empty()) return nullptr;  // how long it takes was said
    const auto found = measured.others.find(endpoint.billed_memory_mb);
    return found == measured.others.end() ? nullptr : &found->second;
}

std::vector<std::string> take_measured(CostModel& model, const MeasuredCost& measured) {
    std::vector<std::string> told;
    for (const MeasuredEndpoint& f : measured.functions) {
        CostEndpoint& e = model.endpoints[f.endpoint];
        const CostService& service = model.services[e.service];
        const auto found = f.others.find(service.memory_mb);
        if (service.memory_mb == e.billed_memory_mb || e.billed_ms.empty() || found == f.others.end()) continue;
        const CostSums sum = sum_of(found->second.slices);
        e.billed_memory_mb = service.memory_mb;
        e.duration_ms = mean_ms(sum.duration, sum.calls);
        e.cold = found->second.cold, e.init_ms = found->second.init_ms;
        for (std::size_t t = 0; t < measured.tariffs.size(); ++t) e.billed_ms[measured.tariffs[t]] = mean_ms(sum.billed[t], sum.calls);
        const std::uint32_t parts = filled(found->second.slices);
        const std::uint64_t unknown = found->second.init_unknown;
        told.push_back(service.name + ": at " + std::to_string(service.memory_mb) + " MB as measured, by " + std::to_string(sum.calls) +
                       (sum.calls == 1 ? " invocation" : " invocations") + " in " + std::to_string(parts) + " of " +
                       std::to_string(found->second.slices.size()) + " equal parts of the time" +
                       (parts < 2 ? ": how much that varies is not known" : "") +
                       (unknown == 0 ? ""
                                     : "; how long " + std::to_string(unknown) + " of its cold starts took to begin is not on record, and not billed"));
    }
    return told;
}

}  // namespace autotune::analysis
