#include "rules/recluster/entry.hpp"

#include <algorithm>
#include <cstdio>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "rules/recluster/traits.hpp"

namespace autotune::rules {

namespace {

// Whom each invocation of a trace was called by, and whom it called.
class Tree {
public:
    explicit Tree(const Trace& trace) : callers_(trace.invocations.size()), callees_(trace.invocations.size()) {
        std::unordered_map<std::string_view, std::size_t> by_id;
        for (std::size_t i = 0; i < trace.invocations.size(); ++i) by_id.emplace(trace.invocations[i].id, i);
        for (std::size_t i = 0; i < trace.invocations.size(); ++i)
            for (const RecordedCall& call : trace.invocations[i].calls)
                if (const auto at = by_id.find(call.callee_id); at != by_id.end() && at->second != i && !callers_[at->second])
                    callers_[at->second] = i, callees_[i].push_back(at->second);
    }

    // Whether one of `function` is above it. A log may say that something is its own ancestor.
    [[nodiscard]] bool is_below(const Trace& trace, std::size_t i, FunctionId function) const {
        std::size_t steps = 0;
        for (auto at = callers_[i]; at && steps++ < callers_.size(); at = callers_[*at])
            if (trace.invocations[*at].function == function) return true;
        return false;
    }
    // With all that it set off.
    [[nodiscard]] std::vector<std::size_t> from(std::size_t root) const {
        std::vector<std::size_t> all{root};
        std::vector<bool> taken(callees_.size(), false);
        taken[root] = true;
        for (std::size_t next = 0; next < all.size(); ++next)
            for (const std::size_t callee : callees_[all[next]])
                if (!taken[callee]) taken[callee] = true, all.push_back(callee);
        return all;
    }

private:
    std::vector<std::optional<std::size_t>> callers_;
    std::vector<std::vector<std::size_t>> callees_;
};

std::string percent(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%+.1f %%", value);
    return text;
}

// Which functions it cannot be with, though that would be cheaper, and why.
std::string bounds_of(const CallLog& log, const Regrouping& plan, FunctionId entry) {
    std::string out;
    int told = 0;
    for (const Bound& bound : plan.bounds) {
        if (std::find(bound.functions.begin(), bound.functions.end(), entry) == bound.functions.end() || ++told > 3) continue;
        out += (out.empty() ? "" : "; ") + bound.constraint + " (with";
        for (const FunctionId f : bound.functions)
            if (f != entry) out += " " + log.functions[f];
        out += ")";
    }
    return out;
}

}  // namespace

CallLog requests_of(const CallLog& log, const std::string& entry) {
    CallLog out;
    out.function(entry);  // the first one, also where it has no requests
    const auto known = log.by_name.find(entry);
    if (known == log.by_name.end()) return out;
    for (const Trace& trace : log.traces) {
        std::optional<Tree> tree;
        for (std::size_t i = 0; i < trace.invocations.size(); ++i) {
            if (trace.invocations[i].function != known->second) continue;
            if (!tree) tree.emplace(trace);
            if (tree->is_below(trace, i, known->second)) continue;  // part of the request of that one
            Trace request{.id = trace.invocations[i].id, .invocations = {}};
            const std::vector<std::size_t> all = tree->from(i);
            // Taken for requests without calls, they would hide what is saved, and whom it calls.
            if (std::any_of(all.begin(), all.end(), [&](std::size_t at) { return !trace.invocations[at].calls_known; })) {
                ++out.left_out;
                continue;
            }
            for (const std::size_t at : all) {
                RecordedInvocation made = trace.invocations[at];
                made.function = out.function(log.functions[made.function]);
                for (RecordedCall& call : made.calls) call.callee = out.function(log.functions[call.callee]);
                request.invocations.push_back(std::move(made));
            }
            request.invocations.front().parent.clear();
            out.invocations += request.invocations.size();
            out.traces.push_back(std::move(request));
        }
    }
    return out;
}

Status enough_requests(const CallLog& requests) {
    const auto is_cold = [](const Trace& trace) {
        return std::any_of(trace.invocations.begin(), trace.invocations.end(), [](const RecordedInvocation& i) { return i.cold; });
    };
    const auto cold = static_cast<std::uint64_t>(std::count_if(requests.traces.begin(), requests.traces.end(), is_cold));
    const std::uint64_t warm = requests.traces.size() - cold;
    if (warm >= kFewestRequests) return ok();
    std::string why = "of its requests " + std::to_string(warm) + " without cold starts are on record, and " +
                      std::to_string(kFewestRequests) + " are needed";
    if (cold > 0) why += "; " + std::to_string(cold) + " with cold starts do not count";
    if (requests.left_out > 0) why += "; of " + std::to_string(requests.left_out) + " the calls were not recorded";
    return fail(Errc::unavailable, std::move(why));
}

Result<EntryGroup> group_of(CallLog requests, const std::string& entry, GroupConstraints constraints) {
    if (Status enough = enough_requests(requests); !enough) return enough.forward();
    auto links = link(requests, constraints.overhead_ms);
    if (!links) return links.forward();
    const FunctionId root = requests.function(entry);
    add_recorded_traits(requests, constraints);
    const Regrouping plan = regroup(requests, *links, constraints, {.method = SearchMethod::automatic, .groups = {}});
    Grouping only;  // what is deployed: the entry's group, all others as they are
    Group group;
    for (const Group& g : plan.groups)
        if (std::binary_search(g.begin(), g.end(), root)) group = g;
    only.push_back(group);
    for (FunctionId f = 0; f < requests.functions.size(); ++f)
        if (!std::binary_search(group.begin(), group.end(), f)) only.push_back({f});
    std::sort(only.begin(), only.end());
    if (group.size() < 2) {
        const std::string bounds = bounds_of(requests, plan, root);
        return fail(Errc::unsupported, "nothing that it waits for would be cheaper as one with it" + (bounds.empty() ? "" : ": " + bounds));
    }
    const Regrouping told = regroup(requests, *links, constraints, {.groups = only});
    if (told.gb_s.high_pct >= 0)
        return fail(Errc::unsupported, "it may be that no GB-s would be saved: " + percent(told.gb_s.pct()) + " (95 %: " +
                                           percent(told.gb_s.low_pct) + " to " + percent(told.gb_s.high_pct) + ")");
    EntryGroup out{.members = {entry}, .gb_s = told.gb_s, .p50 = told.root_p50, .p99 = told.root_p99, .requests = told.used, .cold = told.cold};
    for (const FunctionId f : group)
        if (f != root) out.members.push_back(requests.functions[f]);
    return out;
}

}  // namespace autotune::rules
