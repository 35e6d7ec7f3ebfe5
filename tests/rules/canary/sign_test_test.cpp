#include "rules/canary/sign_test.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace autotune::rules {
namespace {

// s!(n−s)!/(n+1)! · Σ_{k>s} C(n+1, k), by rational arithmetic.
TEST(SignTest, AgreesWithExactArithmetic) {
    struct Exact {
        std::uint64_t s, n;
        double log_evidence;
    };
    for (const Exact& e : {Exact{0, 0, 0.0}, Exact{0, 6, 2.8982769374032777}, Exact{0, 7, 3.46182200347859},
                           Exact{3, 10, 0.31900454358082264}, Exact{5, 10, -0.995852554710341},
                           Exact{10, 10, -2.3978952727983707}, Exact{20, 100, 17.662109910250365},
                           Exact{50, 100, -2.084244112864141}, Exact{243, 486, -2.8688540555584154},
                           Exact{100, 1000, 365.01828552792546}, Exact{900, 1000, -6.686171266734334}})
        EXPECT_NEAR(log_sign_evidence(e.s, e.n), e.log_evidence, 1e-9) << e.s << " of " << e.n;
}

TEST(SignTest, IsAccurateWhereTheIncompleteBetaFunctionUnderflows) {
    EXPECT_NEAR(log_sign_evidence(100'000, 100'000), -std::log(100'001), 1e-9);
    EXPECT_NEAR(log_sign_evidence(0, 100'000), 100'001 * std::log(2.0) - std::log(100'001), 1e-6);
    // Both forms meet in the middle.
    EXPECT_NEAR(log_sign_evidence(499'999, 1'000'000), log_sign_evidence(500'000, 1'000'000), 0.01);
}

// Ville: a fair coin is called unfair at any time with probability at most α.
TEST(SignTest, ErrsAtTheBoundaryAtMostAsOftenAsPromised) {
    constexpr int kRuns = 600, kFlips = 400;
    const double bar = std::log(1 / 0.05);
    int called = 0;
    for (unsigned run = 0; run < kRuns; ++run) {
        std::mt19937 random(run);
        std::uint64_t heads = 0;
        for (std::uint64_t n = 1; n <= kFlips; ++n) {
            heads += random() & 1;
            if (log_sign_evidence(heads, n) < bar) continue;
            ++called;
            break;
        }
    }
    EXPECT_LE(called, kRuns * 0.05);
    EXPECT_GT(called, 0) << "a test that never errs has no power either";
}

}  // namespace
}  // namespace autotune::rules
