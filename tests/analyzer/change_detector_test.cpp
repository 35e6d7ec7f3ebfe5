#include "analyzer/change_detector.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <random>

namespace autotune::analysis {
namespace {

constexpr std::array kTail{0.05};
constexpr std::array kMedian{0.5};

using Draw = std::function<double(std::mt19937_64&, int)>;

// Values until the first alarm, at most `most`.
int values_to_alarm(std::span<const double> tops, double bar, unsigned seed, int most, const Draw& draw) {
    ChangeDetector detector(tops, bar);
    std::mt19937_64 random(seed);
    for (int i = 0; i < most; ++i)
        if (detector.add(draw(random, i), Timestamp(Nanos(i)))) return i + 1;
    return most;
}

double log_normal(std::mt19937_64& random, double sigma) {
    return 50e6 * std::exp(sigma * std::normal_distribution<double>()(random));
}

TEST(SequentialRanks, OfExchangeableValuesAreUniformEvenIfMostAreEqual) {
    for (const double equal : {0.0, 0.9}) {
        SequentialRanks ranks;
        std::mt19937_64 random(3);
        int in_top_tenth = 0;
        constexpr int kValues = 20'000;
        for (int i = 0; i < kValues; ++i) {
            const bool same = std::uniform_real_distribution<double>()(random) < equal;
            const auto [rank, of] = ranks.add(same ? 1e6 : log_normal(random, 1));
            ASSERT_TRUE(rank >= 1 && rank <= of);
            in_top_tenth += static_cast<double>(rank) > 0.9 * static_cast<double>(of);
        }
        EXPECT_NEAR(in_top_tenth, kValues / 10, 150) << equal;  // three and a half standard deviations
    }
}

// The bound: on average at least `bar` values to a false alarm, whatever the distribution. A run is cut at 20 bars.
TEST(ChangeDetector, TellsForNothingAtMostAsOftenAsPromised) {
    constexpr double kBar = 500;
    constexpr int kRuns = 60;
    const Draw heavy = [](std::mt19937_64& r, int) { return 1e6 / std::uniform_real_distribution<double>(1e-9, 1)(r); };
    const Draw usual = [](std::mt19937_64& r, int) { return log_normal(r, 0.5); };
    const Draw rounded = [](std::mt19937_64& r, int) { return std::round(log_normal(r, 0.5) / 1e7) * 1e7; };
    for (const auto& [draw, tops] : {std::pair(heavy, std::span<const double>(kTail)), std::pair(usual, std::span<const double>(kMedian)),
                                     std::pair(rounded, std::span<const double>(kTail))}) {
        double sum = 0;
        for (unsigned run = 0; run < kRuns; ++run)
            sum += values_to_alarm(tops, kBar, run, static_cast<int>(20 * kBar), draw);
        EXPECT_GE(sum / kRuns, kBar);
    }
}

TEST(ChangeDetector, SaysSomethingForNothingNowAndThen) {
    // Else the bar would be of no account.
    int alarms = 0;
    for (unsigned run = 0; run < 20; ++run)
        alarms += values_to_alarm(kMedian, 50, run, 2000, [](std::mt19937_64& r, int) { return log_normal(r, 0.5); }) < 2000;
    EXPECT_GT(alarms, 0);
}

TEST(ChangeDetector, FindsASlowerTailAndWhenItBegan) {
    int found = 0;
    for (unsigned run = 0; run < 20; ++run) {
        ChangeDetector detector(kTail);
        std::mt19937_64 random(run);
        constexpr int kChange = 1000;
        for (int i = 0; i < 2000; ++i) {
            const double value = log_normal(random, 0.3) * (i >= kChange && random() % 5 == 0 ? 4 : 1);
            if (!detector.add(value, Timestamp(Nanos(i)))) continue;
            EXPECT_GE(i, kChange) << run;
            EXPECT_LE(i, kChange + 250) << run;
            EXPECT_NEAR(static_cast<double>(detector.last()->since.time_since_epoch().count()), kChange, 60) << run;
            ++found;
            break;
        }
    }
    EXPECT_EQ(found, 20);
}

TEST(ChangeDetector, FindsAFasterMedianAndLearnsAnew) {
    ChangeDetector detector(kMedian);
    std::mt19937_64 random(1);
    int alarms = 0;
    for (int i = 0; i < 4000; ++i)
        alarms += detector.add(log_normal(random, 0.3) * (i >= 1000 ? 0.7 : 1), Timestamp(Nanos(i)));
    EXPECT_EQ(alarms, 1);
    EXPECT_GT(detector.learned(), 2500u);
}

TEST(ChangeDetector, FindsADrift) {
    constexpr unsigned kRuns = 20;
    int found = 0;
    for (unsigned run = 0; run < kRuns; ++run) {
        const int at = values_to_alarm(kMedian, ChangeDetector::kMeanValuesToFalseAlarm, run, 5000, [](std::mt19937_64& r, int i) {
            return log_normal(r, 0.3) * (1 + std::max(0, i - 1000) / 2000.);
        });
        found += at > 1000 && at < 2000;
    }
    EXPECT_GE(found, 18);  // a false alarm comes within the first thousand values in at most one run of a hundred
}

TEST(ChangeDetector, FindsARateThatRises) {
    constexpr std::array kRates{0.3, 0.08, 0.02, 0.005};
    const int at = values_to_alarm(kRates, ChangeDetector::kMeanValuesToFalseAlarm, 5, 5000, [](std::mt19937_64& r, int i) {
        return std::bernoulli_distribution(i < 1000 ? 0.01 : 0.15)(r) ? 1e6 : 0.;
    });
    EXPECT_GT(at, 1000);
    EXPECT_LT(at, 1150);
}

TEST(ChangeDetector, TakesAnyNumber) {
    ChangeDetector detector(kTail);
    for (const double v : {0., -1., 1e300, std::numeric_limits<double>::infinity(), std::nan("")})
        for (int i = 0; i < 30; ++i) detector.add(v, Timestamp(Nanos(i)));
    EXPECT_GT(detector.learned(), 0u);
}

TEST(ChangeDetector, IsDeterministic) {
    const Draw equal_mostly = [](std::mt19937_64& r, int i) { return r() % 3 == 0 || i > 500 ? 2e6 : 1e6; };
    EXPECT_EQ(values_to_alarm(kTail, 1000, 1, 3000, equal_mostly), values_to_alarm(kTail, 1000, 1, 3000, equal_mostly));
}

}  // namespace
}  // namespace autotune::analysis
