#include "rules/sizing/tuner.hpp"

#include <gtest/gtest.h>

#include <functional>

namespace autotune::rules::sizing {
namespace {

// What a call at a size does: its time, or below 0: it was killed.
using Curve = std::function<double(double)>;

Choose run(State& state, const Curve& curve, int most_calls = 500) {
    Step step = next(state);
    while (const auto* probe = std::get_if<Probe>(&step)) {
        if (most_calls-- == 0) {
            ADD_FAILURE() << "it does not end";
            return {};
        }
        const double t = curve(probe->memory_mb);
        Cell& cell = state.cells[probe->memory_mb];
        t < 0 ? void(++cell.killed) : cell.ok_ms.push_back(t);
        state.spent_mb_ms += probe->memory_mb * std::max(t, 0.0);
        step = next(state);
    }
    return std::get<Choose>(step);
}
State lambda(Objective objective) {
    State state;
    for (std::uint32_t m = 128; m <= 3072; m += 64) state.sizes_mb.push_back(m);
    state.objective = objective;
    return state;
}

TEST(Tuner, FindsTheSmallestSizeThatSucceedsWhenCostCounts) {
    State state = lambda({});
    const Choose choice = run(state, [](double m) { return m < 500 ? -1.0 : 100.0; });
    EXPECT_EQ(choice.memory_mb, 512u);
}

TEST(Tuner, BuysSpeedWhereTheLimitOnCostAllowsIt) {
    State state = lambda({Goal::fastest_within, 10});
    const Choose choice = run(state, [](double m) { return 100.0 * 1769 / std::min(m, 1769.0); });
    EXPECT_GE(choice.memory_mb, 1664u);
    EXPECT_LE(choice.memory_mb, 1920u);
}

TEST(Tuner, ChoosesOnlyWhatItMeasured) {
    State state = lambda({Goal::balanced, 0.5});
    const Choose choice = run(state, [](double m) { return 50 + 90'000 / std::min(m, 1769.0); });
    EXPECT_GE(state.cells.at(choice.memory_mb).ok_ms.size(), kLeastCalls);
    EXPECT_LE(choice.low_ms, choice.expected_ms);
    EXPECT_GE(choice.high_ms, choice.expected_ms);
}

TEST(Tuner, SaysThatNothingSucceeds) {
    State state = lambda({});
    EXPECT_EQ(run(state, [](double) { return -1.0; }).memory_mb, 0u);
}

TEST(Tuner, KeepsAboveTheFloor) {
    State state = lambda({});
    state.floor_mb = 300;
    EXPECT_EQ(run(state, [](double) { return 10.0; }).memory_mb, 320u);
}

}  // namespace
}  // namespace autotune::rules::sizing
