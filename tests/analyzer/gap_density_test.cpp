// Densities of gaps drawn from known distributions.
#include "analyzer/topology/requests/gap_density.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace autotune::analysis {
namespace {

GapDensity table_of(const std::vector<double>& gaps) {
    GapDensity d = GapDensity::learn(gaps, 1);
    d.tabulate();
    return d;
}

TEST(ConditionalDensity, KnowsThatAGapDependsOnSomethingElse) {
    std::mt19937 source(2);
    std::vector<double> gaps, beside;
    for (int i = 0; i < 2'000; ++i) {
        beside.push_back(std::uniform_real_distribution<double>(0, 1'000)(source));
        gaps.push_back(beside.back() + std::lognormal_distribution<double>(3, 0.3)(source));
    }
    ConditionalDensity d = ConditionalDensity::learn(gaps, beside, 1);
    EXPECT_GT(d.mean_log(), GapDensity::learn(gaps, 1).mean_log() + 0.3);
    d.tabulate();
    EXPECT_GT(d.log(120, 100), d.log(920, 100));
    EXPECT_GT(d.log(920, 900), d.log(120, 900));
}

TEST(GapDensity, IsADensityWithAPeakWhereGapsAre) {
    std::mt19937 source(1);
    std::vector<double> gaps;
    for (int i = 0; i < 2'000; ++i) gaps.push_back(std::lognormal_distribution<double>(5, 0.3)(source));
    const GapDensity d = table_of(gaps);
    double sum = 0;
    for (double at = -2'000; at < 5'000; at += 0.5) sum += 0.5 * std::exp(static_cast<double>(d.log(at)));
    EXPECT_NEAR(sum, 1, 0.03);
    EXPECT_GT(d.log(140), d.log(60));
    EXPECT_GT(d.log(60), d.log(5'000));
    EXPECT_GT(d.log(-1e9), -60);  // nothing is impossible
}

TEST(GapDensity, OfNothingOrOneThingIsFlat) {
    EXPECT_EQ(GapDensity().log(1), GapDensity().log(1e6));
    const std::vector<double> same(100, 5.0);
    EXPECT_GT(table_of(same).log(5), table_of(same).log(50));
    EXPECT_TRUE(std::isfinite(table_of({}).log(3)));
    EXPECT_TRUE(std::isfinite(table_of({7}).log(3)));
}

}  // namespace
}  // namespace autotune::analysis
