#include "rules/canary/correlation.hpp"

#include <gtest/gtest.h>

#include <random>

namespace autotune::rules {
namespace {

Pair pair_of(double canary, double baseline) {
    return {.canary = {.duration = Nanos(static_cast<std::int64_t>(canary))},
            .baseline = {.duration = Nanos(static_cast<std::int64_t>(baseline))}};
}

TEST(SignCorrelation, SaysNothingOfTooFewPairs) {
    EXPECT_FALSE(sign_correlation({}).worrying());
    const std::vector<Pair> one{pair_of(2, 1)};
    EXPECT_EQ(sign_correlation(one).lag_one, 0);
    const std::vector<Pair> same(100, pair_of(2, 1));
    EXPECT_EQ(sign_correlation(same).lag_one, 0);  // always slower: an effect, not a phase
}

TEST(SignCorrelation, KnowsPhasesOfOneSideFromAnEffect) {
    std::mt19937 random(1);
    std::lognormal_distribution<double> duration(10, 0.3);
    std::vector<Pair> independent, phases;
    for (int i = 0; i < 1000; ++i) {
        const double x = duration(random), y = duration(random);
        independent.push_back(pair_of(1.2 * x, y));
        phases.push_back(pair_of(i / 50 % 2 == 0 ? 1.4 * x : x / 1.4, y));
    }
    EXPECT_FALSE(sign_correlation(independent).worrying());
    EXPECT_TRUE(sign_correlation(phases).worrying());
}

}  // namespace
}  // namespace autotune::rules
