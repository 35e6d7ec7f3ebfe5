#include "rules/canary/pairing.hpp"

#include <algorithm>
#include <map>
#include <tuple>

namespace autotune::rules {

namespace {

struct Call {
    WallTime ended;
    const Invocation* invocation = nullptr;
    CallResult result;
    bool canary = false;
};

// Calls of one input bucket that have no partner yet, in the order in which they ended.
struct Unpaired {
    std::vector<Call> canary, baseline;
};

CallResult result_of(const Invocation& i) {
    using End = CallResult::End;
    if (i.status == InvocationStatus::out_of_memory) return {i.duration, End::out_of_memory};
    return {i.duration, failed(i.status) ? End::failed : End::ok};
}

void count(CallCounts& counts, const Invocation& i) {
    if (i.status == InvocationStatus::unknown) {
        ++counts.unknown;
        return;
    }
    ++counts.calls;
    if (failed(i.status)) ++counts.failures;
    if (i.status == InvocationStatus::out_of_memory) ++counts.out_of_memory;
}

}  // namespace

Trial pair_calls(std::span<const Invocation> invocations, const PairingOptions& options) {
    Trial trial;
    std::vector<Call> calls;
    for (const Invocation& i : invocations) {
        if (i.held) continue;
        const bool canary = i.version == options.candidate;
        if ((!canary && i.version != options.baseline) || i.wall_start < options.from) continue;
        count(canary ? trial.canary : trial.baseline, i);
        if (i.status != InvocationStatus::unknown)
            calls.push_back({i.wall_start + i.duration, &i, result_of(i), canary});
    }
    std::sort(calls.begin(), calls.end(), [](const Call& a, const Call& b) {
        return std::tie(a.ended, a.invocation->id) < std::tie(b.ended, b.invocation->id);
    });
    std::map<std::uint32_t, Unpaired> buckets;
    for (const Call& call : calls) {
        Unpaired& bucket = buckets[input_bucket(call.invocation->request_bytes)];
        auto& partners = call.canary ? bucket.baseline : bucket.canary;
        // All partners ended before this call, so the last is the nearest.
        if (partners.empty() || call.ended - partners.back().ended > options.max_gap) {
            (call.canary ? bucket.canary : bucket.baseline).push_back(call);
            continue;
        }
        const CallResult& other = partners.back().result;
        trial.pairs.push_back(call.canary ? Pair{call.result, other} : Pair{other, call.result});
        partners.pop_back();
    }
    return trial;
}

}  // namespace autotune::rules
