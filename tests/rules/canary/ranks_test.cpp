#include "rules/canary/ranks.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>

namespace autotune::rules {
namespace {

TEST(SizeRanks, StandsHalfWayWhereNothingCameBefore) { EXPECT_EQ(SizeRanks().rank(3), 0.5); }

TEST(SizeRanks, NeverFallsWithTheSize) {
    SizeRanks ranks;
    std::mt19937 random(3);
    std::lognormal_distribution<double> size(0, 2);
    for (int i = 0; i < 500; ++i) ranks.add(size(random));
    ranks.add(0);
    ranks.add(std::numeric_limits<double>::infinity());
    double last = 0;
    for (double at = 1e-9; at < 1e9; at *= 1.1) {
        EXPECT_GE(ranks.rank(at), last);
        last = ranks.rank(at);
    }
    EXPECT_GT(ranks.rank(0), 0);
    EXPECT_LT(ranks.rank(std::numeric_limits<double>::infinity()), 1);
}

TEST(SizeRanks, IsAboutTheRankThatSortingGives) {
    SizeRanks ranks;
    std::vector<double> sizes;
    std::mt19937 random(5);
    std::lognormal_distribution<double> size(-2, 1);
    for (int i = 0; i < 1000; ++i) {
        sizes.push_back(size(random));
        ranks.add(sizes.back());
    }
    std::sort(sizes.begin(), sizes.end());
    for (const std::size_t i : {10u, 250u, 500u, 900u}) EXPECT_NEAR(ranks.rank(sizes[i]), static_cast<double>(i) / 1000, 0.01);
}

TEST(TailThreshold, IsTheNearestRankOfAllSoFar) {
    TailThreshold threshold;
    std::mt19937 random(9);
    std::vector<Nanos> seen;
    std::size_t failures = 0;
    for (int i = 0; i < 2000; ++i) {
        if (random() % 40 == 0) {
            threshold.add_failure();
            ++failures;
        } else {
            seen.emplace_back(random() % 1000);
            threshold.add_success(seen.back());
        }
        if (threshold.calls() < 20) {
            EXPECT_EQ(threshold.kind(), TailThreshold::Kind::too_few);
            continue;
        }
        std::sort(seen.begin(), seen.end());
        const std::size_t rank = ((seen.size() + failures) * 95 + 99) / 100;
        ASSERT_EQ(threshold.kind(), rank > seen.size() ? TailThreshold::Kind::failure : TailThreshold::Kind::time);
        if (rank <= seen.size()) {
            ASSERT_EQ(threshold.time(), seen[rank - 1]) << i;
        }
    }
}

}  // namespace
}  // namespace autotune::rules
