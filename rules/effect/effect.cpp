#include "rules/effect/effect.hpp"

#include <algorithm>
#include <array>
#include <boost/math/special_functions/beta.hpp>
#include <cmath>
#include <queue>
#include <string>
#include <utility>
#include <vector>

#include "core/record_clock.hpp"

namespace autotune::rules {

namespace {

// Of the largest stake that cannot lose more than all.
constexpr std::array<double, 5> kParts{0.1, 0.25, 0.5, 0.75, 0.95};
constexpr std::array<double, 5> kShares{0.2, 0.2, 0.2, 0.2, 0.2};

struct Interval {
    double low = 0, high = 1;
};

// Of the share of `bad`, at 1 − alpha.
Interval interval_of(const Tally& tally, double alpha) {
    const auto n = static_cast<double>(tally.calls), k = static_cast<double>(std::min(tally.bad, tally.calls));
    Interval out;
    if (k > 0) out.low = boost::math::ibeta_inv(k, n - k + 1, alpha / 2);
    if (k < n) out.high = boost::math::ibeta_inv(k + 1, n - k, 1 - alpha / 2);
    return out;
}

// ln E of bets whose outcome is `gain` so many times and −`loss` so many times. REQUIRES: loss > 0.
double log_evidence(double gain, std::uint64_t gains, double loss, std::uint64_t losses) {
    std::array<double, kParts.size()> held{};
    for (std::size_t i = 0; i < kParts.size(); ++i) {
        const double stake = kParts[i] / loss;
        held[i] = static_cast<double>(gains) * std::log1p(stake * gain) +
                  static_cast<double>(losses) * std::log1p(-stake * loss);
    }
    return log_weighted_sum<kParts.size()>(held, kShares);
}

std::string share(const Tally& t) { return std::to_string(t.bad) + " of " + std::to_string(t.calls); }

}  // namespace

JudgeReport judge_effect(const EffectSeen& seen, const CanaryPolicy& policy, Horizon horizon) {
    using Decision = JudgeReport::Decision;
    const double ten = std::log(10.0);
    JudgeReport r;
    r.canary_calls = seen.after.calls;
    r.canary_failures = seen.after.bad;
    r.baseline_calls = seen.before.calls;
    r.baseline_failures = seen.before.bad;
    const auto [low, high] = interval_of(seen.before, policy.alpha / 2);
    const std::uint64_t good = seen.after.calls - std::min(seen.after.bad, seen.after.calls);
    // Where nothing was bad before nothing can be better; where all was, nothing can be worse.
    if (low > 0 && low < 1) r.log10_e_errors = log_evidence(low, good, 1 - low, seen.after.bad) / ten;
    if (low >= 1) r.log10_e_errors = good > 0 ? std::log10(2 / policy.alpha) : 0;
    if (high > 0 && high < 1) r.log10_e_harm = log_evidence(1 - high, seen.after.bad, high, good) / ten;
    const std::string counts = share(seen.after) + " calls since, " + share(seen.before) + " before";
    if (r.log10_e_harm >= std::log10(1 / policy.beta)) {
        r.decision = Decision::rollback;
        r.reason = "it became worse: " + counts;
    } else if (r.log10_e_errors >= std::log10(2 / policy.alpha) && (seen.beyond > 0 || !seen.beyond_counts)) {
        r.decision = Decision::promote;
        r.reason = "it helped: " + counts +
                   (seen.beyond_counts ? ", and " + std::to_string(seen.beyond) + " " + std::string(seen.served) : "");
    } else if (horizon == Horizon::reached) {
        r.decision = Decision::hold;
        r.reason = "not proved to help: " + counts +
                   (seen.beyond_counts && seen.beyond == 0 ? "; " + std::string(seen.none_served) : "");
    } else {
        r.reason = counts;
    }
    return r;
}

std::uint64_t began_beyond(std::span<const Invocation> calls, std::uint32_t limit) {
    struct Under {
        Timestamp start, end;
        std::uint32_t stands_for = 1;
    };
    std::vector<Under> by_start;
    RecordClock clock;  // a change may be judged for longer than the machine runs
    for (const Invocation& call : calls) {
        const Nanos shift = clock.shift(call);
        by_start.push_back({call.start + shift, call.end + shift, call.stands_for});
    }
    std::sort(by_start.begin(), by_start.end(), [](const Under& a, const Under& b) { return a.start < b.start; });
    using End = std::pair<Timestamp, std::uint32_t>;  // and for how many it stands
    std::priority_queue<End, std::vector<End>, std::greater<>> ends;
    std::uint64_t beyond = 0, under_way = 0;
    for (const Under& call : by_start) {
        for (; !ends.empty() && ends.top().first <= call.start; ends.pop()) under_way -= ends.top().second;
        if (under_way >= limit) beyond += call.stands_for;
        under_way += call.stands_for;
        ends.emplace(call.end, call.stands_for);
    }
    return beyond;
}

}  // namespace autotune::rules
