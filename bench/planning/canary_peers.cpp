#include "bench/planning/canary_peers.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace autotune::bench {

namespace {

using Decision = JudgeReport::Decision;
constexpr std::size_t kInterval = 50, kChecks = 10;

// Standard score of the rank sum of the canary, with the correction for ties; > 0: it is slower.
double mann_whitney(std::span<const rules::Pair> pairs) {
    std::vector<std::pair<Nanos, bool>> all;
    for (const rules::Pair& p : pairs) {
        if (!failed(p.canary)) all.emplace_back(p.canary.duration, true);
        if (!failed(p.baseline)) all.emplace_back(p.baseline.duration, false);
    }
    std::sort(all.begin(), all.end());
    double rank_sum = 0, canaries = 0, ties = 0;
    const auto n = static_cast<double>(all.size());
    for (std::size_t i = 0; i < all.size();) {
        std::size_t j = i;
        double here = 0;
        for (; j < all.size() && all[j].first == all[i].first; ++j) here += all[j].second;
        const auto equal = static_cast<double>(j - i);
        rank_sum += here * (static_cast<double>(i + j + 1) / 2);
        canaries += here;
        ties += equal * equal * equal - equal;
        i = j;
    }
    const double others = n - canaries;
    const double variance = canaries * others / 12 * ((n + 1) - ties / (n * (n - 1)));
    if (!(variance > 0)) return 0;
    return (rank_sum - canaries * (n + 1) / 2) / std::sqrt(variance);
}

struct Interval {
    std::vector<Nanos> canary, baseline;
    double failures = 0;
};
Interval interval_of(std::span<const rules::Pair> pairs) {
    Interval out;
    for (const rules::Pair& p : pairs) {
        if (!failed(p.canary)) out.canary.push_back(p.canary.duration);
        if (!failed(p.baseline)) out.baseline.push_back(p.baseline.duration);
        out.failures += failed(p.canary);
    }
    return out;
}

template <class Passes>
Verdict by_checks(std::span<const rules::Pair> pairs, std::size_t most_failed, const Passes& passes) {
    std::size_t failures = 0;
    for (std::size_t check = 1; check <= kChecks; ++check) {
        const std::size_t end = check * kInterval;
        if (end > pairs.size()) break;
        const Interval interval = interval_of(pairs.subspan(end - kInterval, kInterval));
        if (interval.failures > 0.01 * kInterval || !passes(interval)) ++failures;
        if (failures > most_failed) return {Decision::rollback, end};
        if (check == kChecks) return {Decision::promote, end};
    }
    return {Decision::hold, pairs.size()};
}

}  // namespace

Nanos quantile(std::vector<Nanos> durations, double q) {
    if (durations.empty()) return Nanos(0);
    const auto at = static_cast<std::ptrdiff_t>(q * static_cast<double>(durations.size() - 1));
    std::nth_element(durations.begin(), durations.begin() + at, durations.end());
    return durations[static_cast<std::size_t>(at)];
}

Verdict kayenta(std::span<const rules::Pair> pairs, std::size_t lifetime) {
    constexpr double kScoreOf98 = 2.326;  // two-sided 98 %: 1 % on the side of "high"
    lifetime = std::min(lifetime, pairs.size());
    for (std::size_t time = 1; time <= 10; ++time) {
        const std::size_t end = lifetime * time / 10;
        if (mann_whitney(pairs.subspan(0, end)) > kScoreOf98) return {Decision::rollback, end};
    }
    return {Decision::promote, lifetime};
}

Verdict flagger(std::span<const rules::Pair> pairs, Nanos limit) {
    return by_checks(pairs, 4, [&](const Interval& i) { return quantile(i.canary, 0.99) <= limit; });
}

Verdict argo(std::span<const rules::Pair> pairs) {
    return by_checks(pairs, 3, [](const Interval& i) {
        return static_cast<double>(quantile(i.canary, 0.95).count()) <=
               1.1 * static_cast<double>(quantile(i.baseline, 0.95).count());
    });
}

}  // namespace autotune::bench
