#include "rules/sizing/choosing.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace autotune::rules::sizing {

namespace {

constexpr double kStop = 0.001;         // expected gain of one more call below which none is made
constexpr double kInfringed = 1;        // regret of a limit that is not kept, and of a size that fails
constexpr double kBroken = 4;           // of an objective of service, times how far from it
constexpr double kCallMs = 0.01;        // what any call is worth beside its time, as a share of the dearest
constexpr double kMostUnits = 100;      // exploration ends at so many times the dearest call
constexpr double kInf = std::numeric_limits<double>::infinity();

}  // namespace

bool is_spent(const State& state) { return state.budget > 0 && state.spent >= state.budget; }

Choosing::Choosing(const State& state, const Feasible& range, Values values)
    : state_(state), range_(range), values_(std::move(values)), least_(kCurves) {
    for (std::size_t k = 0; k < kCurves; ++k)
        least_[k] = *std::min_element(values_.objective[k].begin(), values_.objective[k].end());
}

Step Choosing::step() const {
    const std::size_t none = state_.sizes_mb.size();
    if (is_spent(state_)) {
        const std::size_t chosen = best_measured(kLeastCalls);
        return chosen == none ? Choose{} : answer(chosen);
    }
    const std::size_t chosen = best_measured(1);
    if (successes(state_, chosen) < kLeastCalls) return Probe{state_.sizes_mb[chosen]};
    const double dearest = dearest_call();
    const bool dear = state_.spent > kMostUnits * dearest;
    if (const std::size_t where = dear ? none : worth_a_call(chosen, dearest); where < none)
        return Probe{state_.sizes_mb[where]};
    return answer(chosen);
}

double Choosing::regret(std::size_t i, std::size_t k) const {
    const double value = values_.objective[k][i], ms = values_.ms[k][i];
    if (value < kInf) return value / least_[k] - 1;
    // The farther from an objective of service the worse: where none keeps it, what comes nearest is sought.
    const bool by_how_much = state_.objective.goal == Goal::slo && ms < kInf;
    return by_how_much ? kBroken * values_.quantile_ms[k][i] / state_.objective.parameter : kInfringed;
}

std::size_t Choosing::best_measured(std::size_t calls) const {
    std::size_t chosen = state_.sizes_mb.size();
    double least = kInf;
    for (std::size_t i = range_.succeeded; i < state_.sizes_mb.size(); ++i) {
        if (successes(state_, i) < calls) continue;
        double sum = 0;
        for (std::size_t k = 0; k < kCurves; ++k) sum += regret(i, k);
        if (sum < least) chosen = i, least = sum;
    }
    return chosen;
}

// The largest size for as long as a call takes at the largest that was measured.
double Choosing::dearest_call() const {
    double ms = 0;
    for (std::size_t i = range_.first; i < state_.sizes_mb.size(); ++i)
        if (successes(state_, i) > 0) ms = mean_ms(i);
    return cost(state_, state_.sizes_mb.size() - 1, state_.price.billed_ms(ms));
}

double Choosing::mean_ms(std::size_t i) const {
    const auto& all = state_.cells.at(state_.sizes_mb[i]).ok_ms;
    double sum = 0;
    for (const double ms : all) sum += ms;
    return sum / static_cast<double>(all.size());
}

// Where a call is expected to lower the regret most for its price; sizes_mb.size(): nowhere enough.
std::size_t Choosing::worth_a_call(std::size_t chosen, double dearest) const {
    std::size_t where = state_.sizes_mb.size();
    double best = 0;
    for (std::size_t i = range_.first; i < state_.sizes_mb.size(); ++i) {
        if (successes(state_, i) >= kMostCalls || i == chosen) continue;
        double gain = 0, ms = 0, works = 0;
        for (std::size_t k = 0; k < kCurves; ++k) {
            gain += std::max(0.0, regret(chosen, k) - regret(i, k));
            if (values_.ms[k][i] < kInf) ms += values_.ms[k][i], ++works;
        }
        gain /= kCurves;
        const double expected = works > 0 ? ms / works : mean_ms(range_.succeeded);
        const double price = cost(state_, i, state_.price.billed_ms(expected)) / dearest;
        const double score = gain / std::sqrt(kCallMs + price);
        if (gain > kStop && score > best) best = score, where = i;
    }
    return where;
}

Choose Choosing::answer(std::size_t chosen) const {
    std::vector<double> regrets, times, quantiles;
    const bool slo = state_.objective.goal == Goal::slo;
    double kept = 0;
    for (std::size_t k = 0; k < kCurves; ++k) {
        regrets.push_back(regret(chosen, k));
        kept += values_.objective[k][chosen] < kInf;
        if (!(values_.ms[k][chosen] < kInf)) continue;
        times.push_back(values_.ms[k][chosen]);
        if (slo) quantiles.push_back(values_.quantile_ms[k][chosen]);
    }
    for (auto* of : {&regrets, &times, &quantiles}) std::sort(of->begin(), of->end());
    return {.memory_mb = state_.sizes_mb[chosen],
            .expected_ms = sorted_at(times, 0.5),
            .low_ms = sorted_at(times, 0.05),
            .high_ms = sorted_at(times, 0.95),
            .regret_bound = sorted_at(regrets, 0.95),
            .limit_kept = kept / kCurves,
            .quantile_ms = slo ? sorted_at(quantiles, 0.5) : 0};
}

}  // namespace autotune::rules::sizing
