#include <algorithm>

#include "analyzer/cost/bill.hpp"

namespace autotune::analysis {

namespace {

// A cycle among the endpoints that still wait for callers: from any of them backwards, someone comes again.
std::string cycle_in(const CostModel& model, const std::vector<std::uint32_t>& waiting) {
    const auto count = model.endpoints.size();
    std::vector<std::uint32_t> caller(count, 0);
    std::uint32_t at = 0;
    for (std::uint32_t i = 0; i < count; ++i) {
        if (waiting[i] == 0) continue;
        at = i;
        for (const CostCall& call : model.endpoints[i].calls)
            if (waiting[call.to] > 0) caller[call.to] = i;
    }
    std::vector<bool> seen(count);
    while (!seen[at]) {
        seen[at] = true;
        at = caller[at];
    }
    std::vector<std::uint32_t> cycle{at};
    for (std::uint32_t i = caller[at]; i != at; i = caller[i]) cycle.push_back(i);
    // It is told from its first endpoint in the file on.
    std::reverse(cycle.begin(), cycle.end());
    std::rotate(cycle.begin(), std::min_element(cycle.begin(), cycle.end()), cycle.end());
    std::string text;
    for (const std::uint32_t i : cycle) text += model.endpoints[i].name + " → ";
    return text + model.endpoints[cycle.front()].name;
}

}  // namespace

Result<std::vector<Decimal>> calls_of(const CostModel& model) {
    const auto count = model.endpoints.size();
    std::vector<Decimal> calls(count);
    std::vector<std::uint32_t> waiting(count);  // for so many calls' origins
    for (const CostEndpoint& endpoint : model.endpoints)
        for (const CostCall& call : endpoint.calls) ++waiting[call.to];
    std::vector<std::uint32_t> ready;
    ready.reserve(count);
    for (std::uint32_t i = 0; i < count; ++i) {
        calls[i] = model.endpoints[i].load;
        if (waiting[i] == 0) ready.push_back(i);
    }
    for (std::size_t next = 0; next < ready.size(); ++next) {
        const CostEndpoint& endpoint = model.endpoints[ready[next]];
        for (const CostCall& call : endpoint.calls) {
            calls[call.to] += calls[ready[next]] * call.times;
            if (--waiting[call.to] == 0) ready.push_back(call.to);
        }
    }
    if (ready.size() < count)
        return fail(Errc::invalid_argument, "calls go in a circle: " + cycle_in(model, waiting));
    for (std::size_t i = 0; i < count; ++i)
        if (calls[i].too_large())
            return fail(Errc::resource_exhausted,
                        model.endpoints[i].name + " is called more than 1.7e20 times");
    return calls;
}

}  // namespace autotune::analysis
