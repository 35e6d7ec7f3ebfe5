#include "rules/sizing/tuner.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "rules/sizing/belief.hpp"

namespace autotune::rules::sizing {

namespace {

constexpr double kStop = 0.001;         // expected gain of one more call below which none is made
constexpr std::size_t kMostCalls = 10;  // at one size
constexpr double kInfringed = 1;        // regret of a limit that is not kept, and of a size that fails
constexpr double kBroken = 4;           // of an objective of service, times how far from it
constexpr double kCallMs = 0.01;        // what any call is worth beside its time, as a share of the dearest
constexpr double kMostUnits = 100;      // exploration ends at so many times the dearest call
constexpr double kInf = std::numeric_limits<double>::infinity();

bool is_spent(const State& state) {
    return state.budget_mb_ms > 0 && state.spent_mb_ms >= state.budget_mb_ms;
}

// Nothing has succeeded yet: twice the size that failed last.
Probe gallop(const State& state, std::size_t first) {
    const double wanted = first == 0 ? 0 : 2.0 * state.sizes_mb[first - 1];
    for (std::size_t i = first; i < state.sizes_mb.size(); ++i)
        if (state.sizes_mb[i] >= wanted) return {state.sizes_mb[i]};
    return {state.sizes_mb.back()};
}

class Choosing {
public:
    Choosing(const State& state, const Feasible& range)
        : state_(state), range_(range), curves_(draw_curves(state, range)), least_(kCurves) {
        for (std::size_t k = 0; k < kCurves; ++k)
            least_[k] = *std::min_element(curves_.objective[k].begin(), curves_.objective[k].end());
    }

    Step step() const {
        const std::size_t none = state_.sizes_mb.size();
        if (is_spent(state_)) {
            const std::size_t chosen = best_measured(kLeastCalls);
            return chosen == none ? Choose{} : answer(chosen);
        }
        const std::size_t chosen = best_measured(1);
        if (successes(state_, chosen) < kLeastCalls) return Probe{state_.sizes_mb[chosen]};
        const double dearest = dearest_call();
        const bool dear = state_.spent_mb_ms > kMostUnits * dearest;
        if (const std::size_t where = dear ? none : worth_a_call(chosen, dearest); where < none)
            return Probe{state_.sizes_mb[where]};
        return answer(chosen);
    }

private:
    [[nodiscard]] double regret(std::size_t i, std::size_t k) const {
        const double value = curves_.objective[k][i], ms = curves_.ms[k][i];
        if (value < kInf) return value / least_[k] - 1;
        // The farther from an objective of service the worse: where none keeps it, what comes nearest is
        // sought.
        const bool by_how_much = state_.objective.goal == Goal::slo && ms < kInf;
        return by_how_much ? kBroken * curves_.quantile[k] * ms / state_.objective.parameter : kInfringed;
    }
    // Of sizes with so many successes; sizes_mb.size(): there is none.
    [[nodiscard]] std::size_t best_measured(std::size_t calls) const {
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
    // MB·ms: the largest size for as long as a call takes at the largest that was measured.
    [[nodiscard]] double dearest_call() const {
        double ms = 0;
        for (std::size_t i = range_.first; i < state_.sizes_mb.size(); ++i)
            if (successes(state_, i) > 0) ms = mean_ms(i);
        return state_.sizes_mb.back() * ms;
    }
    [[nodiscard]] double mean_ms(std::size_t i) const {
        const auto& all = state_.cells.at(state_.sizes_mb[i]).ok_ms;
        double sum = 0;
        for (const double ms : all) sum += ms;
        return sum / static_cast<double>(all.size());
    }
    // Where a call is expected to lower the regret most for its price; sizes_mb.size(): nowhere enough.
    [[nodiscard]] std::size_t worth_a_call(std::size_t chosen, double dearest) const {
        std::size_t where = state_.sizes_mb.size();
        double best = 0;
        for (std::size_t i = range_.first; i < state_.sizes_mb.size(); ++i) {
            if (successes(state_, i) >= kMostCalls || i == chosen) continue;
            double gain = 0, ms = 0, works = 0;
            for (std::size_t k = 0; k < kCurves; ++k) {
                gain += std::max(0.0, regret(chosen, k) - regret(i, k));
                if (curves_.ms[k][i] < kInf) ms += curves_.ms[k][i], ++works;
            }
            gain /= kCurves;
            const double expected = works > 0 ? ms / works : mean_ms(range_.succeeded);
            const double score = gain / std::sqrt(kCallMs + state_.sizes_mb[i] * expected / dearest);
            if (gain > kStop && score > best) best = score, where = i;
        }
        return where;
    }
    [[nodiscard]] Choose answer(std::size_t chosen) const {
        std::vector<double> regrets, times, quantiles;
        double kept = 0;
        for (std::size_t k = 0; k < kCurves; ++k) {
            regrets.push_back(regret(chosen, k));
            kept += curves_.objective[k][chosen] < kInf;
            if (!(curves_.ms[k][chosen] < kInf)) continue;
            times.push_back(curves_.ms[k][chosen]);
            quantiles.push_back(curves_.quantile[k] * curves_.ms[k][chosen]);
        }
        for (auto* of : {&regrets, &times, &quantiles}) std::sort(of->begin(), of->end());
        return {.memory_mb = state_.sizes_mb[chosen],
                .expected_ms = sorted_at(times, 0.5),
                .low_ms = sorted_at(times, 0.05),
                .high_ms = sorted_at(times, 0.95),
                .regret_bound = sorted_at(regrets, 0.95),
                .limit_kept = kept / kCurves,
                .quantile_ms = state_.objective.goal == Goal::slo ? sorted_at(quantiles, 0.5) : 0};
    }

    const State& state_;
    Feasible range_;
    Curves curves_;
    std::vector<double> least_;  // by curve
};

}  // namespace

Step next(const State& state) {
    const Feasible range = feasible(state);
    if (range.first == state.sizes_mb.size()) return Choose{};
    if (range.succeeded == state.sizes_mb.size())
        return is_spent(state) ? Step(Choose{}) : gallop(state, range.first);
    return Choosing(state, range).step();
}

}  // namespace autotune::rules::sizing
