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

double largest_harm(const Evidences& e) { return std::max({e.harm_latency, e.harm_errors, e.harm_tail}); }

std::string harm_reason(const Evidences& e) {
    const double worst = largest_harm(e);
    const std::string found = ": evidence " + power_of_ten(worst);
    if (worst == e.harm_errors) return "the canary fails where the baseline does not" + found;
    if (worst == e.harm_latency) return "the canary is slower than the baseline" + found;
    return "the canary's slowest calls are slower than the baseline's" + found;
}

std::string missing(const Evidences& e, const CanaryPolicy& policy, std::uint64_t pairs) {
    const std::string needed = one_decimal(1 / policy.alpha);
    return std::to_string(pairs) + (pairs == 1 ? " pair" : " pairs") + "; evidence on latency " +
           power_of_ten(e.latency) + " and on errors " + power_of_ten(e.errors) + ", each of " + needed +
           " needed";
}

// Calls whose end was not seen may hide failures: no more of them than the error margin allows.
bool too_many_unknown(const CallCounts& canary, const CanaryPolicy& policy) {
    const auto all = static_cast<double>(canary.calls + canary.unknown);
    return static_cast<double>(canary.unknown) > policy.error_margin * all;
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
        unknown_ = too_many_unknown(trial.canary, policy);
    }

    JudgeReport run(Horizon horizon) {
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
        if (largest_harm(found_) >= std::log10(kHarmTests / policy_.beta)) {
            decision_ = Decision::rollback;
            reason_ = harm_reason(found_);
        } else if (std::min(found_.latency, found_.errors) >= -std::log10(policy_.alpha) && !unknown_) {
            decision_ = Decision::promote;
            reason_ = "no slower than the margin of " + one_decimal(policy_.latency_margin * 100) +
                      " % and no more failures than the margin of " +
                      one_decimal(policy_.error_margin * 100) + " points";
        }
    }

    void out_of_memory() {
        decision_ = Decision::rollback;
        found_ = evidences(state_);
        reason_ = "the canary ran out of memory, the baseline did not";
    }

    void wait(Horizon horizon) {
        reason_ = missing(found_, policy_, state_.pairs);
        if (unknown_)
            reason_ += "; the end of " + std::to_string(trial_.canary.unknown) + " canary calls was not seen";
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
        out.log10_e_harm = largest_harm(found_);
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
    bool unknown_ = false;
    Decision decision_ = Decision::waiting;
    std::string reason_;
};

}  // namespace

JudgeReport judge(const Trial& trial, const CanaryPolicy& policy, Horizon horizon) {
    return Trying(trial, policy).run(horizon);
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
