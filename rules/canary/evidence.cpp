// What one pair adds to the judge's state, and what the state amounts to.
#include <algorithm>
#include <cmath>

#include "rules/canary/judge.hpp"
#include "rules/canary/sign_test.hpp"

namespace autotune::rules {

namespace {

constexpr std::size_t kLeastForTail = 20;  // a 95th percentile of fewer calls is their maximum

// Which of the two is worse: canary +1, baseline −1, neither 0.
int sign(Nanos canary, Nanos baseline) { return (canary > baseline) - (canary < baseline); }

void count(SignCount& test, int worse) {
    if (worse == 0) return;
    ++test.total;
    if (worse > 0) ++test.worse;
}

// A failure is slower than any success; two failures say nothing.
int compare_latency(const Pair& pair, Nanos allowed) {
    if (failed(pair.canary) || failed(pair.baseline)) return failed(pair.canary) - failed(pair.baseline);
    return sign(pair.canary.duration, allowed);
}

// (1+δ)·y, rounded to whole nanoseconds so that equal times are equal.
Nanos with_margin(Nanos y, double margin) {
    return Nanos(std::llround((1 + margin) * static_cast<double>(y.count())));
}

// p95 of what the baseline did before this pair; failures stand above all successes.
struct Threshold {
    bool known = false;
    bool is_failure = false;  // nothing exceeds it
    Nanos at{0};
};
Threshold tail_threshold(const JudgeState& s) {
    const std::size_t n = s.earlier_baseline.size() + s.baseline_failures;
    if (n < kLeastForTail) return {};
    const std::size_t rank = (n * 95 + 99) / 100 - 1;  // nearest rank, from 0
    if (rank >= s.earlier_baseline.size()) return {.known = true, .is_failure = true};
    return {.known = true, .at = s.earlier_baseline[rank]};
}
bool exceeds(const CallResult& call, const Threshold& t) {
    return t.known && !t.is_failure && (failed(call) || call.duration > t.at);
}

double log_mean_exp(const std::array<double, kBets.size()>& logs) {
    const double largest = *std::max_element(logs.begin(), logs.end());
    double sum = 0;
    for (const double l : logs) sum += std::exp(l - largest);
    return largest + std::log(sum / static_cast<double>(logs.size()));
}

double log10_below_half(const SignCount& c) { return log_sign_evidence(c.worse, c.total) / std::log(10.0); }
double log10_above_half(const SignCount& c) {
    return log_sign_evidence(c.total - c.worse, c.total) / std::log(10.0);
}

}  // namespace

void observe(JudgeState& s, const Pair& pair, const CanaryPolicy& policy) {
    ++s.pairs;
    count(s.beyond_margin, compare_latency(pair, with_margin(pair.baseline.duration, policy.latency_margin)));
    count(s.slower, compare_latency(pair, pair.baseline.duration));
    count(s.fails_alone, failed(pair.canary) - failed(pair.baseline));
    const Threshold threshold = tail_threshold(s);
    count(s.in_tail, exceeds(pair.canary, threshold) - exceeds(pair.baseline, threshold));
    const int better = failed(pair.baseline) - failed(pair.canary);  // a − b
    for (std::size_t i = 0; i < kBets.size(); ++i)
        s.log_wealth[i] += std::log1p(kBets[i] * (policy.error_margin + better));
    if (failed(pair.baseline)) {
        ++s.baseline_failures;
    } else {
        auto& sorted = s.earlier_baseline;
        sorted.insert(std::upper_bound(sorted.begin(), sorted.end(), pair.baseline.duration),
                      pair.baseline.duration);
    }
}

Evidences evidences(const JudgeState& s) {
    return {.latency = log10_below_half(s.beyond_margin),
            .errors = log_mean_exp(s.log_wealth) / std::log(10.0),
            .harm_latency = log10_above_half(s.slower),
            .harm_errors = log10_above_half(s.fails_alone),
            .harm_tail = log10_above_half(s.in_tail)};
}

}  // namespace autotune::rules
