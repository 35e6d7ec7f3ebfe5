#include "rules/recluster/link.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>

namespace autotune::rules {

namespace {

using Reached = RecordedInvocation::Reached;

double median(std::vector<double>& values) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

Unexpected at_line(const RecordedInvocation& i, const std::string& what) {
    return fail(Errc::invalid_argument, std::to_string(i.line) + ":1: " + what);
}

Status join(Trace& trace, Links& links) {
    auto& all = trace.invocations;
    std::unordered_map<std::string_view, std::uint32_t> ids;
    for (std::uint32_t i = 0; i < all.size(); ++i) {
        trace.cold = trace.cold || all[i].cold;
        if (!ids.emplace(all[i].id, i).second)
            return at_line(all[i], "there is an invocation \"" + all[i].id + "\" in trace \"" + trace.id + "\" already");
        std::stable_sort(all[i].calls.begin(), all[i].calls.end(),
                         [](const RecordedCall& a, const RecordedCall& b) { return a.start_ms < b.start_ms; });
    }
    std::vector<std::optional<std::uint32_t>> caller(all.size());
    for (std::uint32_t i = 0; i < all.size(); ++i)
        for (RecordedCall& call : all[i].calls) {
            if (call.callee_id.empty()) continue;
            const auto found = ids.find(call.callee_id);
            if (found == ids.end()) continue;
            RecordedInvocation& callee = all[found->second];
            if (callee.function != call.callee)
                return at_line(all[i], "the call says that \"" + call.callee_id + "\" is of another function than it is");
            if (caller[found->second]) return at_line(all[i], "\"" + call.callee_id + "\" was called already");
            caller[found->second] = i;
            call.invocation = found->second;
            callee.reached = call.local ? Reached::local : call.sync ? Reached::remote : Reached::asynchronous;
        }
    for (std::uint32_t i = 0; i < all.size(); ++i) {
        std::uint32_t at = i;
        for (std::size_t steps = 0; caller[at]; at = *caller[at])
            if (++steps > all.size()) return at_line(all[i], "\"" + all[i].id + "\" is its own ancestor");
        // Whoever made it is not known to have waited.
        if (!caller[i] && !all[i].parent.empty()) all[i].reached = Reached::asynchronous, ++links.orphans;
    }
    const auto later = [&](std::uint32_t a, std::uint32_t b) {
        const auto rank = [&](std::uint32_t i) { return all[i].reached == Reached::root ? 0 : caller[i] ? 2 : 1; };
        return std::pair(rank(a), all[a].start_ms) < std::pair(rank(b), all[b].start_ms);
    };
    for (std::uint32_t i = 1; i < all.size(); ++i)
        if (later(i, trace.root)) trace.root = i;
    return ok();
}

Overheads measure(const CallLog& log) {
    Overheads out;
    std::vector<double> all;
    std::map<std::pair<FunctionId, FunctionId>, std::vector<double>> each;
    for (const Trace& trace : log.traces)
        for (const RecordedInvocation& i : trace.invocations)
            for (const RecordedCall& call : i.calls) {
                if (!call.invocation || !call.sync || call.local) continue;
                const RecordedInvocation& callee = trace.invocations[*call.invocation];
                if (callee.cold) continue;
                const double over = std::max(0.0, call.duration_ms - callee.duration());
                all.push_back(over);
                each[{i.function, call.callee}].push_back(over);
            }
    out.measured = all.size();
    if (!all.empty()) out.overall = median(all);
    for (auto& [edge, values] : each) out.of[edge] = median(values);
    return out;
}

// Calls whose other end was not recorded, of functions that were.
void assume(CallLog& log, Links& links) {
    std::vector<double> memory(log.functions.size(), 0);
    for (const Trace& trace : log.traces)
        for (const RecordedInvocation& i : trace.invocations) memory[i.function] = i.memory_mb;
    for (Trace& trace : log.traces) {
        const std::size_t recorded = trace.invocations.size();
        for (std::size_t i = 0; i < recorded; ++i)
            for (std::size_t c = 0; c < trace.invocations[i].calls.size(); ++c) {
                const RecordedInvocation& caller = trace.invocations[i];
                const RecordedCall call = caller.calls[c];
                if (call.invocation) continue;
                if (memory[call.callee] == 0 && !call.local) {
                    ++links.elsewhere;
                    continue;
                }
                ++links.assumed;
                // How long an asynchronous callee ran nobody saw.
                if (!call.sync && !call.local) continue;
                const double overhead = call.local ? 0 : links.overheads.between(caller.function, call.callee);
                const double time = std::max(0.0, call.duration_ms - overhead);
                RecordedInvocation made{.id = {}, .parent = caller.id, .function = call.callee};
                made.memory_mb = memory[call.callee] > 0 ? memory[call.callee] : caller.memory_mb;
                made.start_ms = call.start_ms, made.end_ms = call.start_ms + time;
                made.billed_ms = std::ceil(time);
                made.line = caller.line;
                made.reached = call.local ? Reached::local : Reached::remote;
                made.assumed = true;
                trace.invocations[i].calls[c].invocation = static_cast<std::uint32_t>(trace.invocations.size());
                trace.invocations.push_back(std::move(made));
            }
    }
}

}  // namespace

Result<Links> link(CallLog& log, std::optional<double> overhead_ms) {
    Links links;
    for (Trace& trace : log.traces)
        if (Status joined = join(trace, links); !joined) return joined.forward();
    links.overheads = measure(log);
    if (overhead_ms) links.overheads.overall = *overhead_ms, links.overheads.of.clear(), links.overheads.measured = 0;
    assume(log, links);
    return links;
}

}  // namespace autotune::rules
