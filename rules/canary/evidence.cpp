// What one pair adds to the judge's state, and what the state amounts to.
#include <algorithm>
#include <cmath>
#include <limits>

#include "rules/canary/judge.hpp"
#include "rules/canary/sign_test.hpp"

namespace autotune::rules {

namespace {

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

constexpr double kLongest = 9e18;  // ns that 64 bits hold

// The longest time that is not worse than `y`. Rounded to ticks as the canary's times are: else what lies between
// two ticks would be counted for one side only.
Nanos allowed(Nanos y, double margin, Nanos indifference, Nanos tick) {
    const auto at = static_cast<double>(y.count()), step = static_cast<double>(tick.count());
    const double most = std::max((1 + margin) * at, at + static_cast<double>(indifference.count()));
    return Nanos(std::llround(std::min(std::round(most / step) * step, kLongest)));
}

void narrow(Nanos& tick, const CallResult& call) {
    while (!failed(call) && call.duration % tick != Nanos(0)) tick /= 10;
}

double difference(const Pair& pair, Nanos limit) {
    if (failed(pair.canary) || failed(pair.baseline) || pair.canary.duration <= Nanos(0) || limit <= Nanos(0))
        return std::numeric_limits<double>::infinity();
    return std::abs(std::log(static_cast<double>(pair.canary.duration.count()) / static_cast<double>(limit.count())));
}

bool exceeds(const CallResult& call, Nanos limit) { return failed(call) || call.duration > limit; }

// The canary's calls may be longer by as much as is no harm.
void count_tail(JudgeState& s, const Pair& pair, const CanaryPolicy& policy) {
    if (s.baseline_tail.kind() != TailThreshold::Kind::time) return;
    const Nanos threshold = s.baseline_tail.time();
    const Nanos of_canary = allowed(threshold, policy.harm_margin, policy.indifference, s.tick);
    count(s.in_tail, exceeds(pair.canary, of_canary) - exceeds(pair.baseline, threshold));
}

void bet_on_harm(JudgeState& s, const Pair& pair, Nanos limit) {
    const int worse = compare_latency(pair, limit);
    if (worse == 0) return;
    count(s.slower, worse);
    const double size = difference(pair, limit);
    s.slower_signs.bet(kHarmStakes, worse);
    s.slower_ranks.bet(kHarmStakes, worse * s.differences.rank(size));
    s.differences.add(size);
}

double log10_below_half(const SignCount& c) { return log_sign_evidence(c.worse, c.total) / std::log(10.0); }
double log10_above_half(const SignCount& c) {
    return log_sign_evidence(c.total - c.worse, c.total) / std::log(10.0);
}

}  // namespace

void observe(JudgeState& s, const Pair& pair, const CanaryPolicy& policy) {
    ++s.pairs;
    narrow(s.tick, pair.canary);
    narrow(s.tick, pair.baseline);
    const auto limit = [&](double margin) {
        return allowed(pair.baseline.duration, margin, policy.indifference, s.tick);
    };
    count(s.beyond_margin, compare_latency(pair, limit(policy.latency_margin)));
    bet_on_harm(s, pair, limit(policy.harm_margin));
    const int worse = failed(pair.canary) - failed(pair.baseline);  // b − a
    count(s.fails_alone, worse);
    s.errors.bet(kErrorStakes, policy.error_margin - worse);
    count_tail(s, pair, policy);
    if (failed(pair.baseline)) {
        s.baseline_tail.add_failure();
    } else {
        s.baseline_tail.add_success(pair.baseline.duration);
    }
}

Evidences evidences(const JudgeState& s) {
    const double ten = std::log(10.0);
    Evidences e{.latency = log10_below_half(s.beyond_margin),
                .errors = s.errors.log_evidence(kErrorStakes) / ten,
                .harm_latency = log_weighted_sum<2>({s.slower_signs.log_evidence(kHarmStakes),
                                                     s.slower_ranks.log_evidence(kHarmStakes)},
                                                    {0.5, 0.5}) /
                                ten,
                .harm_errors = log10_above_half(s.fails_alone),
                .harm_tail = log10_above_half(s.in_tail)};
    e.harm = log_weighted_sum<3>({e.harm_latency * ten, e.harm_errors * ten, e.harm_tail * ten}, kHarmShares) / ten;
    return e;
}

}  // namespace autotune::rules
