#include "rules/plan/resize.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rules/plan/time_model.hpp"
#include "tests/rules/builders.hpp"

namespace autotune::rules {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using testing::kLambda;
using testing::out_of_memory;
using testing::timed_out;

Result<Sizing> size_for(const FunctionFacts& facts, Attempts attempts = {},
                        const Capabilities& platform = kLambda) {
    return choose_size({.facts = facts,
                        .platform = platform,
                        .step = {},
                        .attempts = attempts,
                        .max_cost_increase_pct = std::nullopt});
}
std::string refusal(const Result<Sizing>& r) {
    return r ? "chose " + describe(r->resize) : r.error().message;
}

TEST(OomBump, AddsAHundredMegabytesOrAFifth) {
    EXPECT_EQ(size_for(out_of_memory("a"))->resize, (Resize{128, 228}));
    EXPECT_EQ(
        size_for(out_of_memory("a").with(Fact::fn_memory_mb, 1000).with(Fact::fn_peak_memory_mb, 1000.0))
            ->resize,
        (Resize{1000, 1200}));
}

TEST(OomBump, AKillMeansThatAtLeastTheLimitWasNeeded) {
    EXPECT_EQ(size_for(out_of_memory("a").with(Fact::fn_peak_memory_mb, 90.0))->resize.to_mb, 228u);
    EXPECT_EQ(size_for(out_of_memory("a").with(Fact::fn_peak_memory_mb, FactValue{}))->resize.to_mb, 228u);
}

TEST(OomBump, RoundsUpToThePlatformsStepAndStopsAtItsLargest) {
    Capabilities platform = kLambda;
    platform.memory_step_mb = 64;
    EXPECT_EQ(size_for(out_of_memory("a"), {}, platform)->resize.to_mb, 256u);
    platform.memory_max_mb = 200;
    EXPECT_EQ(size_for(out_of_memory("a"), {}, platform)->resize.to_mb, 200u);
    platform.memory_max_mb = 128;
    EXPECT_THAT(refusal(size_for(out_of_memory("a"), {}, platform)),
                HasSubstr("already has the platform's largest size"));
}

TEST(OomBump, GoesBeyondWhatWasTriedAndGivesUpAfterThree) {
    EXPECT_EQ(size_for(out_of_memory("a"), {.count = 1, .largest_unproven_mb = 228})->resize.to_mb, 328u);
    EXPECT_THAT(refusal(size_for(out_of_memory("a"), {.count = 3})),
                HasSubstr("3 resizes in 30 days did not end it"));
}

TEST(OomBump, AGrowingNeedIsMetWithinThreeBumpsOrGivenUp) {
    int met = 0, given_up = 0;
    for (double first = 130; first < 2'000; first += 30)
        for (const double growth : {1.0, 1.05, 1.15, 1.4}) {
            double need = first;
            std::uint32_t memory = 128;
            Attempts attempts;
            while (memory < need) {
                const auto facts = out_of_memory("a")
                                       .with(Fact::fn_memory_mb, std::int64_t{memory})
                                       .with(Fact::fn_peak_memory_mb, memory * 1.0);
                const auto size = size_for(facts, attempts);
                if (!size) break;
                EXPECT_GT(size->resize.to_mb, memory);
                attempts.largest_unproven_mb = memory = size->resize.to_mb;
                ASSERT_LE(++attempts.count, 3u);
                need *= growth;
            }
            memory >= need ? ++met : ++given_up;
            EXPECT_TRUE(attempts.count == 3 || memory >= need) << first << " " << growth;
        }
    EXPECT_GT(met, 10);
    EXPECT_GT(given_up, 10);
}

TEST(OomBump, CostIsThatOfASuccessfulCall) {
    const FunctionFacts facts = out_of_memory("a").with(Fact::fn_oncpu_share, 0.0);
    const auto with_limit = [&](double percent) {
        return choose_size({.facts = facts,
                            .platform = kLambda,
                            .step = {},
                            .attempts = {},
                            .max_cost_increase_pct = percent});
    };
    // 228/128 of the price a second, the same time, and the tenth that failed was paid for: 1.78 × 0.9.
    EXPECT_THAT(size_for(facts)->predicted, HasSubstr("cost of a successful call +60 %"));
    EXPECT_TRUE(with_limit(61));
    EXPECT_THAT(refusal(with_limit(59)), HasSubstr("above max_cost_increase_pct"));
}

TEST(OomBump, NeedsKillsAndASize) {
    ResizeStep oom{.strategy = SizingStrategy::oom_bump};
    const auto bump = [&](const FunctionFacts& f) {
        return choose_size(
            {.facts = f, .platform = kLambda, .step = oom, .attempts = {}, .max_cost_increase_pct = {}});
    };
    EXPECT_THAT(refusal(bump(out_of_memory("a", 0))), HasSubstr("no out-of-memory kills"));
    EXPECT_THAT(refusal(bump(out_of_memory("a").with(Fact::fn_memory_mb, FactValue{}))),
                HasSubstr("size is not known"));
}

TEST(Timeout, KilledCallsAreALowerBoundSoMemoryAtLeastDoubles) {
    const auto few = size_for(timed_out("a", 20));
    EXPECT_EQ(few->resize, (Resize{128, 256}));
    EXPECT_THAT(few->predicted,
                HasSubstr("p99 from at least 2.00 s to at least 1.05 s at 256 MB, a lower bound"));
}

TEST(Timeout, WhereMostAreKilledItGoesFurther) {
    const auto most = size_for(timed_out("a", 100));
    EXPECT_EQ(most->resize, (Resize{128, 512}));
    EXPECT_THAT(most->because, HasSubstr("killed calls show their work only up to the kill"));
    EXPECT_THAT(most->predicted, HasSubstr("nothing succeeds now"));
}

TEST(Timeout, DoublesWhatWasTriedWithoutProof) {
    EXPECT_EQ(size_for(timed_out("a", 100), {.count = 1, .largest_unproven_mb = 512})->resize.to_mb, 1024u);
    EXPECT_EQ(size_for(timed_out("a", 100), {.count = 2, .largest_unproven_mb = 1024})->resize.to_mb, 1769u);
    EXPECT_THAT(refusal(size_for(timed_out("a", 100), {.count = 2, .largest_unproven_mb = 1769})),
                HasSubstr("a whole CPU was tried"));
}

TEST(Timeout, UncensoredItTakesTheLeastSizeBelowEightTenthsOfTheLimit) {
    // p99 1.9 s of 2 s, 95 % of it on CPU; T(m) = 0.095 + 1.805·128/m < 1.6 from 154 MB on.
    const auto r =
        size_for(timed_out("a", 20).with(Fact::fn_invocations, 10'000).with(Fact::fn_p99, Nanos(1900ms)));
    EXPECT_EQ(r->resize, (Resize{128, 154}));
    EXPECT_EQ(r->predicted.find("lower bound"), std::string::npos);
}

TEST(Timeout, DoesNotRaiseMemoryForWaiting) {
    EXPECT_THAT(refusal(size_for(timed_out("a", 20).with(Fact::fn_oncpu_share, 0.1))),
                HasSubstr("CPU does not help: 90 % of its time it waits"));
    EXPECT_THAT(refusal(size_for(timed_out("a", 20).with(Fact::fn_oncpu_share, FactValue{}))),
                HasSubstr("not known"));
}

TEST(Timeout, DoesNotRaiseMemoryBeyondAWholeCpuNorForSingleCalls) {
    EXPECT_THAT(refusal(size_for(timed_out("a", 20).with(Fact::fn_memory_mb, 1769))),
                HasSubstr("as much CPU as one thread"));
    EXPECT_THAT(
        refusal(size_for(timed_out("a", 1).with(Fact::fn_invocations, 10'000).with(Fact::fn_p99, Nanos(1s)))),
        HasSubstr("only single calls time out"));
}

TEST(TimeModel, MoreMemoryShortensOnlyTheCpuPart) {
    const TimeModel model{.from_mb = 128, .cpu_share = 0.5};
    EXPECT_DOUBLE_EQ(model.time_ratio(256), 0.75);
    EXPECT_DOUBLE_EQ(model.time_ratio(1769), model.time_ratio(10'000));
    EXPECT_DOUBLE_EQ(model.memory_for(0.75), 256);
    EXPECT_TRUE(std::isinf(model.memory_for(0.5)));
}

}  // namespace
}  // namespace autotune::rules
