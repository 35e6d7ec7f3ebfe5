#include "rules/recluster/traits.hpp"

#include <algorithm>
#include <vector>

#include "rules/recluster/graph.hpp"

namespace autotune::rules {

namespace {

struct Seen {
    double peak_mb = 0, timeout_ms = 0, own_ms = 0, cpu_ms = 0;
    bool has_cpu = false;
};

double waits_of(const RecordedInvocation& i, std::vector<std::size_t>& calls) {
    double waits = 0;
    for (const auto& cluster : clusters(i, calls)) waits += waited(i, calls, cluster);
    return waits;
}

}  // namespace

void add_recorded_traits(const CallLog& log, GroupConstraints& constraints) {
    std::vector<Seen> seen(log.functions.size());
    std::vector<std::size_t> calls;
    for (const Trace& trace : log.traces)
        for (const RecordedInvocation& i : trace.invocations) {
            Seen& s = seen[i.function];
            s.peak_mb = std::max(s.peak_mb, i.peak_mb);
            if (i.timeout_ms > 0) s.timeout_ms = s.timeout_ms > 0 ? std::min(s.timeout_ms, i.timeout_ms) : i.timeout_ms;
            if (!i.cpu_ms || i.cold) continue;  // a first invocation is none like the others
            s.has_cpu = true;
            s.cpu_ms += *i.cpu_ms;
            s.own_ms += std::max(0.0, i.duration() - waits_of(i, calls));
        }
    for (FunctionId f = 0; f < log.functions.size(); ++f) {
        const Seen& s = seen[f];
        if (s.peak_mb == 0 && s.timeout_ms == 0 && !s.has_cpu) continue;
        FunctionTraits& traits = constraints.functions[log.functions[f]];
        if (traits.peak_mb == 0) traits.peak_mb = s.peak_mb;
        if (traits.timeout_ms == 0) traits.timeout_ms = s.timeout_ms;
        if (!traits.cpu_share && s.own_ms > 0) traits.cpu_share = std::clamp(s.cpu_ms / s.own_ms, 0.0, 1.0);
    }
}

}  // namespace autotune::rules
