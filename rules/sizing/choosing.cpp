#include "rules/sizing/choosing.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <utility>

namespace autotune::rules::sizing {

namespace {

constexpr double kStop = 0.0002;        // expected gain below which no call is made, nor all that could be at a size
constexpr std::size_t kRivals = 8;      // so many sizes are held against the one that would be chosen
constexpr double kTelling = 9.0 / kCurves;  // less of a variance is not known to be explained, by so few curves
constexpr double kInfringed = 1;        // regret of a limit that is not kept, and of a size that fails
constexpr double kBroken = 4;           // of an objective of service, times how far from it
constexpr double kCallMs = 0.01;        // what any call is worth beside its time, as a share of the dearest
constexpr double kMostUnits = 100;      // exploration ends at so many times the dearest call
constexpr double kInf = std::numeric_limits<double>::infinity();

// What it is worth to learn of a normal of this mean, below 0, whether it is above: where what is learnt moves it by `sd`.
double gain_of_moving(double mean, double sd) {
    if (!(sd > 0)) return 0;
    const double z = mean / sd;
    const double density = std::exp(-z * z / 2) / std::sqrt(2 * std::numbers::pi), above = 0.5 * std::erfc(-z / std::sqrt(2.0));
    return sd * density + mean * above - std::max(0.0, mean);
}

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
    if (const std::size_t where = worth_a_call(chosen); where < none) return Probe{state_.sizes_mb[where]};
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
    for (std::size_t i = 0; i < state_.sizes_mb.size(); ++i) {
        if (successes(state_, i) < calls || (i < range_.succeeded && !range_.shown[i])) continue;
        double sum = 0;
        for (std::size_t k = 0; k < kCurves; ++k) sum += regret(i, k);
        if (sum < least) chosen = i, least = sum;
    }
    return chosen;
}

// The largest size for as long as a call takes at the largest that was measured.
double Choosing::dearest_call() const {
    double ms = 0;
    for (std::size_t i = 0; i < state_.sizes_mb.size(); ++i)
        if (range_.possible(i) && successes(state_, i) > 0) ms = mean_ms(i);
    return cost(state_, state_.sizes_mb.size() - 1, state_.price.billed_ms(ms));
}

double Choosing::mean_ms(std::size_t i) const {
    const auto& all = state_.cells.at(state_.sizes_mb[i]).ok_ms;
    double sum = 0;
    for (const double ms : all) sum += ms;
    return sum / static_cast<double>(all.size());
}

double Choosing::price_of_call(std::size_t i, std::size_t chosen) const {
    double ms = 0, works = 0;
    for (std::size_t k = 0; k < kCurves; ++k)
        if (values_.ms[k][i] < kInf) ms += values_.ms[k][i], ++works;
    return cost(state_, i, state_.price.billed_ms(works > 0 ? ms / works : mean_ms(chosen)));
}

double Choosing::better_by(std::size_t i, std::size_t chosen, std::size_t k) const { return regret(chosen, k) - regret(i, k); }

// Of the sizes that were measured, those that may yet be better than what would be chosen; where most is at stake first.
std::vector<std::size_t> Choosing::rivals(std::size_t chosen) const {
    std::vector<std::pair<double, std::size_t>> found;
    for (std::size_t i = 0; i < state_.sizes_mb.size(); ++i) {
        if (i == chosen || !range_.possible(i) || successes(state_, i) == 0) continue;
        double better = 0;
        for (std::size_t k = 0; k < kCurves; ++k) better += std::max(0.0, better_by(i, chosen, k));
        if (better > 0) found.emplace_back(-better, i);
    }
    std::sort(found.begin(), found.end());
    if (found.size() > kRivals) found.resize(kRivals);
    std::vector<std::size_t> out;
    for (const auto& [stake, i] : found) out.push_back(i);
    return out;
}

// Where nothing was measured: the size is taken if its time turns out to be short enough.
double Choosing::gain_of_first_call(std::size_t i, std::size_t chosen) const {
    std::vector<std::pair<double, double>> by_time;
    for (std::size_t k = 0; k < kCurves; ++k) by_time.emplace_back(values_.ms[k][i], better_by(i, chosen, k));
    std::sort(by_time.begin(), by_time.end());
    double sum = 0, most = 0;
    for (const auto& [ms, better] : by_time) sum += better, most = std::max(most, sum);
    return most > kStop * kCurves ? most / kCurves : 0;
}

// By the call, of one more, of some or of all that may be made. How much better a rival is than what would be chosen is known
// better by as much as it goes with the time at `i`: the rival's own, the chosen one's, or one that sets a limit for both.
double Choosing::gain_of_more_calls(std::size_t i, std::size_t chosen, const std::vector<std::size_t>& rivals) const {
    std::array<double, kCurves> times{};  // logarithms, around their mean
    double mean = 0, variance = 0, most = 0;
    for (std::size_t k = 0; k < kCurves; ++k) times[k] = std::log(values_.ms[k][i]), mean += times[k] / kCurves;
    for (double& time : times) time -= mean, variance += time * time / kCurves;
    if (!(variance > 0)) return 0;
    const double noise = spread(state_) * spread(state_), left = static_cast<double>(kMostCalls - successes(state_, i));
    for (const std::size_t rival : rivals) {
        double better = 0, squares = 0, with = 0;
        for (std::size_t k = 0; k < kCurves; ++k) {
            const double by = better_by(rival, chosen, k);
            better += by / kCurves, squares += by * by / kCurves, with += by * times[k] / kCurves;
        }
        const bool between = i != chosen && i != rival;
        if (between && with * with < kTelling * variance * (squares - better * better)) continue;
        for (const double calls : {1.0, std::min(3.0, left), left}) {
            const double gain = gain_of_moving(better, std::abs(with) / std::sqrt(variance + noise / calls));
            if (gain > kStop) most = std::max(most, gain / calls);
        }
    }
    return most;
}

// Where a call is expected to lower the regret most for its price; sizes_mb.size(): nowhere enough.
std::size_t Choosing::worth_a_call(std::size_t chosen) const {
    const double dearest = dearest_call();
    std::size_t where = state_.sizes_mb.size();
    if (state_.spent > kMostUnits * dearest) return where;
    const std::vector<std::size_t> others = rivals(chosen);
    double best = 0;
    for (std::size_t i = 0; i < state_.sizes_mb.size(); ++i) {
        const std::size_t calls = successes(state_, i);
        if (!range_.possible(i) || calls >= kMostCalls) continue;
        const double gain = calls == 0 ? gain_of_first_call(i, chosen) : gain_of_more_calls(i, chosen, others);
        const double score = gain / std::sqrt(kCallMs + price_of_call(i, chosen) / dearest);
        if (score > best) best = score, where = i;
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
