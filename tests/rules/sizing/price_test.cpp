#include "rules/sizing/price.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace autotune::rules::sizing {
namespace {

Decimal decimal(const char* text) { return *Decimal::parse(text); }
Meter meter(const char* usd) { return {.pool = "p", .free_pool = "p", .free = decimal("400000"), .tiers = {{{}, decimal(usd)}}}; }

Tariff lambda() {
    Tariff t;
    t.name = "lambda", t.step_ms = 1, t.least_memory_mb = 128, t.most_memory_mb = 10240;
    t.memory = meter("0.0000166667");
    t.memory->tiers = {{decimal("6000000000"), decimal("0.0000166667")}, {{}, decimal("0.000015")}};
    return t;
}
Tariff gcf() {
    Tariff t;
    t.name = "gcf", t.step_ms = 100, t.least_ms = 100, t.init_billed = false;
    t.sizes = {{128, decimal("0.2")}, {256, decimal("0.4")}, {2048, decimal("2.4")}};
    t.memory = meter("0.0000025"), t.cpu = meter("0.00001");
    return t;
}

TEST(Price, OfGbSecondsIsTheFirstTiers) {
    const auto price = price_of(lambda(), {64, 128, 1769});
    ASSERT_TRUE(price);
    // 64 MB are billed as 128: 0.125 GB · 0.0000166667 USD / 1,000 ms.
    EXPECT_DOUBLE_EQ(price->at[0].usd_per_ms, 2.0833375e-9);
    EXPECT_DOUBLE_EQ(price->at[1].usd_per_ms, 2.0833375e-9);
    EXPECT_DOUBLE_EQ(price->at[2].gb, 1769.0 / 1024);
    EXPECT_EQ(price->at[2].cpu, 0);
    EXPECT_TRUE(price->init_billed);
    // 12.3 ms at 128 MB: 13 ms, 2.70833875e-8 USD.
    EXPECT_NEAR(price->at[1].usd_per_ms * price->billed_ms(12.3), 2.70833875e-8, 1e-20);
}

TEST(Price, OfMemoryAndCpuTogether) {
    const auto price = price_of(gcf(), {128, 200, 2048});
    ASSERT_TRUE(price);
    // 0.125 GB · 0.0000025 + 0.2 GHz · 0.00001 = 0.0000023125 USD a second.
    EXPECT_DOUBLE_EQ(price->at[0].usd_per_ms, 2.3125e-9);
    // 200 MB are billed as 256: 0.25 · 0.0000025 + 0.4 · 0.00001 = 0.000004625.
    EXPECT_DOUBLE_EQ(price->at[1].usd_per_ms, 4.625e-9);
    EXPECT_DOUBLE_EQ(price->at[2].cpu, 2.4);
    EXPECT_FALSE(price->init_billed);
}

TEST(Price, RoundsTimeUpToStepsAndTheLeast) {
    const auto price = price_of(gcf(), {128});
    ASSERT_TRUE(price);
    EXPECT_EQ(price->billed_ms(3), 100);
    EXPECT_EQ(price->billed_ms(100), 100);
    EXPECT_EQ(price->billed_ms(100.5), 200);
    EXPECT_EQ(price->billed_ms(200.00000000001), 200) << "a double's last digits are no time";
    EXPECT_EQ(Price{}.billed_ms(3.25), 3.25);
}

TEST(Price, IsRefusedWhereATariffTellsNone) {
    const auto large = price_of(gcf(), {128, 9000});
    ASSERT_FALSE(large);
    EXPECT_EQ(large.error().message, "9000 MB of memory; gcf goes up to 2048 MB");
    Tariff free = lambda();
    free.memory.reset();
    const auto nothing = price_of(free, {128});
    ASSERT_FALSE(nothing);
    EXPECT_EQ(nothing.error().code, Errc::invalid_argument);
}

TEST(MeanBilled, IsTheMeanOverCallsThatVary) {
    const auto price = price_of(gcf(), {128});
    ASSERT_TRUE(price);
    // Calls that hardly vary: all 140 ms are billed as 200. A call of 450 ms ± 30 %: as by a million draws.
    EXPECT_NEAR(MeanBilled(*price, 0.01).ms(140), 200, 1e-9);
    std::mt19937 random(1);
    std::normal_distribution<double> normal;
    double sum = 0;
    constexpr int kCalls = 200'000;
    for (int i = 0; i < kCalls; ++i) sum += price->billed_ms(450 * std::exp(0.3 * normal(random) - 0.045));
    EXPECT_NEAR(MeanBilled(*price, 0.3).ms(450), sum / kCalls, 10);
    EXPECT_NEAR(MeanBilled(*price, 0.3).ms(90'000), 90'050, 1e-6) << "of many steps the last is half used";
    EXPECT_EQ(MeanBilled(Price{}, 0.3).ms(12.5), 12.5);
}

}  // namespace
}  // namespace autotune::rules::sizing
