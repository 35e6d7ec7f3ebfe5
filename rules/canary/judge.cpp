#include "rules/canary/judge.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace autotune::rules {

namespace {

using Decision = JudgeReport::Decision;

std::string one_decimal(double v) {
    char text[40];
    std::snprintf(text, sizeof text, "%.1f", v);
    return text;
}
std::string power_of_ten(double log10) {
    return log10 < 6 ? one_decimal(std::pow(10.0, log10)) : "10^" + one_decimal(log10);
}

// Failures are the reason if they would do alone, since they count as slow too; else what contributes most.
std::string harm_reason(const Evidences& e, double beta) {
    const auto part = [](double log10, double share) { return log10 + std::log10(share); };
    const double latency = part(e.harm_latency, kHarmShares[0]), errors = part(e.harm_errors, kHarmShares[1]),
                 tail = part(e.harm_tail, kHarmShares[2]);
    const std::string found = ": evidence of harm " + power_of_ten(e.harm);
    if (e.harm_errors >= -std::log10(beta) || (errors >= latency && errors >= tail))
        return "the canary fails where the baseline does not" + found;
    if (latency >= tail) return "the canary is slower than the baseline" + found;
    return "the canary's slowest calls are slower than the baseline's" + found;
}

std::string missing(const Evidences& e, const CanaryPolicy& policy, std::uint64_t pairs) {
    const std::string needed = one_decimal(1 / policy.alpha);
    return std::to_string(pairs) + (pairs == 1 ? " pair" : " pairs") + "; evidence on latency " +
           power_of_ten(e.latency) + " and on errors " + power_of_ten(e.errors) + ", each of " + needed +
           " needed";
}

// Calls whose end was not seen may hide what they would have told: no more of them than the error margin allows.
bool too_many_unknown(const CallCounts& calls, const CanaryPolicy& policy) {
    const auto all = static_cast<double>(calls.calls + calls.unknown);
    return static_cast<double>(calls.unknown) > policy.error_margin * all;
}

Nanos p95(std::vector<Nanos> durations) {
    if (durations.empty()) return Nanos(0);
    std::sort(durations.begin(), durations.end());
    return durations[(durations.size() * 95 + 99) / 100 - 1];
}

void count(CallCounts& counts, const CallResult& call) {
    ++counts.calls;
    if (failed(call)) ++counts.failures;
    if (call.end == CallResult::End::out_of_memory) ++counts.out_of_memory;
}

class Trying {
public:
    Trying(const Trial& trial, const CanaryPolicy& policy) : trial_(trial), policy_(policy) {
        std::uint64_t paired = 0;
        for (const Pair& p : trial.pairs) paired += p.baseline.end == CallResult::End::out_of_memory;
        baseline_out_of_memory_ = trial.baseline.out_of_memory > paired;
        canary_unknown_ = too_many_unknown(trial.canary, policy);
        baseline_unknown_ = too_many_unknown(trial.baseline, policy);
    }

    // `path`: the evidence after each pair, unless null.
    JudgeReport run(Horizon horizon, std::vector<Evidences>* path) {
        path_ = path;
        for (const Pair& pair : trial_.pairs)
            if (decision_ == Decision::waiting) step(pair);
        if (decision_ == Decision::waiting && trial_.canary.out_of_memory > 0 &&
            trial_.baseline.out_of_memory == 0)
            out_of_memory();  // of a call that found no partner
        if (decision_ == Decision::waiting) wait(horizon);
        return report();
    }

private:
    void step(const Pair& pair) {
        observe(state_, pair, policy_);
        if (!failed(pair.canary)) canary_.push_back(pair.canary.duration);
        if (!failed(pair.baseline)) baseline_.push_back(pair.baseline.duration);
        if (pair.baseline.end == CallResult::End::out_of_memory) baseline_out_of_memory_ = true;
        if (pair.canary.end == CallResult::End::out_of_memory && !baseline_out_of_memory_)
            return out_of_memory();
        found_ = evidences(state_);
        if (path_) path_->push_back(found_);
        if (found_.harm >= -std::log10(policy_.beta)) {
            decision_ = Decision::rollback;
            reason_ = harm_reason(found_, policy_.beta);
        } else if (std::min(found_.latency, found_.errors) >= -std::log10(policy_.alpha) && !canary_unknown_ &&
                   !baseline_unknown_) {
            decision_ = Decision::promote;
            reason_ = "no slower than the margin of " + one_decimal(policy_.latency_margin * 100) +
                      " % and no more failures than the margin of " +
                      one_decimal(policy_.error_margin * 100) + " points";
        }
    }

    void out_of_memory() {
        decision_ = Decision::rollback;
        found_ = evidences(state_);
        if (path_ && path_->size() < state_.pairs) path_->push_back(found_);
        reason_ = "the canary ran out of memory, the baseline did not";
    }

    void wait(Horizon horizon) {
        reason_ = missing(found_, policy_, state_.pairs);
        const auto not_seen = [&](const CallCounts& calls, const char* whose) {
            reason_ += "; the end of " + std::to_string(calls.unknown) + " " + whose +
                       (calls.unknown == 1 ? " call" : " calls") + " was not seen";
        };
        if (canary_unknown_) not_seen(trial_.canary, "canary");
        if (baseline_unknown_) not_seen(trial_.baseline, "baseline");
        if (horizon == Horizon::open) return;
        decision_ = Decision::hold;
        reason_ = "the horizon is reached without proof: " + reason_;
    }

    JudgeReport report() {
        JudgeReport out;
        out.decision = decision_;
        out.pairs = state_.pairs;
        out.canary_calls = trial_.canary.calls;
        out.canary_failures = trial_.canary.failures;
        out.baseline_calls = trial_.baseline.calls;
        out.baseline_failures = trial_.baseline.failures;
        out.log10_e_latency = found_.latency;
        out.log10_e_errors = found_.errors;
        out.log10_e_harm = found_.harm;
        out.canary_p95 = p95(std::move(canary_));
        out.baseline_p95 = p95(std::move(baseline_));
        out.reason = std::move(reason_);
        return out;
    }

    const Trial& trial_;
    const CanaryPolicy& policy_;
    JudgeState state_;
    Evidences found_;
    std::vector<Nanos> canary_, baseline_;  // successes in pairs
    bool baseline_out_of_memory_ = false;
    bool canary_unknown_ = false, baseline_unknown_ = false;
    std::vector<Evidences>* path_ = nullptr;
    Decision decision_ = Decision::waiting;
    std::string reason_;
};

}  // namespace

JudgeReport judge(const Trial& trial, const CanaryPolicy& policy, Horizon horizon) {
    return Trying(trial, policy).run(horizon, nullptr);
}

JudgedPath judge_with_path(const Trial& trial, const CanaryPolicy& policy, Horizon horizon) {
    JudgedPath out;
    out.report = Trying(trial, policy).run(horizon, &out.path);
    return out;
}

JudgeReport judge(std::span<const Pair> pairs, const CanaryPolicy& policy, Horizon horizon) {
    Trial trial{.pairs = {pairs.begin(), pairs.end()}};
    for (const Pair& pair : pairs) {
        count(trial.canary, pair.canary);
        count(trial.baseline, pair.baseline);
    }
    return judge(trial, policy, horizon);
}

}  // namespace autotune::rules
