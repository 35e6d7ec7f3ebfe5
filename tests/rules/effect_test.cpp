// The judge of effects: what it keeps, what it takes back, and how often for nothing.
#include "rules/effect/effect.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace autotune::rules {
namespace {

using Decision = JudgeReport::Decision;
using ::testing::HasSubstr;

JudgeReport of(Tally before, Tally after, std::uint64_t beyond = 1, Horizon horizon = Horizon::open) {
    return judge_effect({.before = before, .after = after, .beyond = beyond, .beyond_counts = true}, {}, horizon);
}

TEST(Effect, IsProvedByCallsThatAreNoLongerRefused) {
    EXPECT_EQ(of({40, 20}, {3, 0}).decision, Decision::waiting) << "three good calls prove nothing";
    const JudgeReport r = of({40, 20}, {40, 0});
    EXPECT_EQ(r.decision, Decision::promote);
    EXPECT_THAT(r.reason, HasSubstr("0 of 40 calls since, 20 of 40 before"));
    EXPECT_EQ(of({40, 40}, {30, 0}).decision, Decision::promote) << "when all were refused";
}

TEST(Effect, OfAQuietHourIsNone) {
    EXPECT_EQ(of({40, 20}, {4000, 0}, 0).decision, Decision::waiting);
    const JudgeReport r = of({40, 20}, {4000, 0}, 0, Horizon::reached);
    EXPECT_EQ(r.decision, Decision::hold);
    EXPECT_THAT(r.reason, HasSubstr("no call since would have met the old limit"));
}

TEST(Effect, OfFewCallsIsNotKnownAtTheHorizon) {
    EXPECT_EQ(of({40, 20}, {0, 0}, 0, Horizon::reached).decision, Decision::hold);
    EXPECT_EQ(of({40, 20}, {40, 19}, 5, Horizon::reached).decision, Decision::hold);
    EXPECT_EQ(of({}, {100, 0}, 5, Horizon::reached).decision, Decision::hold) << "nothing is known of before";
}

TEST(Effect, ThatIsWorseIsHarm) {
    const JudgeReport r = of({100, 10}, {100, 70});
    EXPECT_EQ(r.decision, Decision::rollback);
    EXPECT_THAT(r.reason, HasSubstr("became worse: 70 of 100"));
}

TEST(Effect, WithoutAnOldLimitIsJudgedByCountsAlone) {
    EXPECT_EQ(judge_effect({.before = {40, 20}, .after = {40, 0}, .beyond = 0, .beyond_counts = false}, {}, Horizon::open).decision,
              Decision::promote);
}

// Looked at after every call, as the loop does. With α = β = 0.05, 200 runs expect at most 10 of each; 20 would be 3 σ more.
TEST(Effect, IsHardlyEverSeenWhereThereIsNone) {
    std::mt19937 random(7);
    int kept = 0, harmful = 0;
    constexpr int kRuns = 200;
    for (int run = 0; run < kRuns; ++run) {
        std::bernoulli_distribution refused(std::uniform_real_distribution<>(0.05, 0.9)(random));
        const auto more = [&](Tally& t) { ++t.calls, t.bad += refused(random); };
        Tally before, after;
        for (int i = 0; i < 60; ++i) more(before);
        for (int i = 0; i < 300; ++i) {
            more(after);
            const Decision d = of(before, after).decision;
            kept += d == Decision::promote;
            harmful += d == Decision::rollback;
            if (d != Decision::waiting) break;
        }
    }
    EXPECT_LT(kept, 20);
    EXPECT_LT(harmful, 20);
}

Invocation from_to(int start, int end) {
    Invocation i;
    i.start = Timestamp(std::chrono::seconds(start));
    i.end = Timestamp(std::chrono::seconds(end));
    i.wall_start = WallTime(std::chrono::seconds(1'000'000 + start));
    return i;
}

TEST(Effect, CountsCallsThatTheOldLimitHadRefused) {
    const std::vector<Invocation> calls{from_to(5, 6), from_to(0, 10), from_to(2, 4), from_to(3, 9), from_to(10, 11)};
    EXPECT_EQ(began_beyond(calls, 1), 3u) << "at 2, 3 and 5";
    EXPECT_EQ(began_beyond(calls, 2), 2u) << "at 3 and 5: what ended at 4 is over";
    EXPECT_EQ(began_beyond(calls, 3), 0u);
    EXPECT_EQ(began_beyond({}, 1), 0u);
}

// The machine began anew, and its clock with it; the change is still judged.
TEST(Effect, CallsOfTwoBootsWereNotUnderWayAtOnce) {
    std::vector<Invocation> calls{from_to(100, 160), from_to(120, 180)};
    calls[1].wall_start += std::chrono::hours(1);
    EXPECT_EQ(began_beyond(calls, 1), 0u);
    calls[1].wall_start -= std::chrono::hours(1);
    EXPECT_EQ(began_beyond(calls, 1), 1u);
}

TEST(Effect, CountsCallsForAsManyAsTheyStandFor) {
    std::vector<Invocation> calls{from_to(0, 10), from_to(2, 4), from_to(5, 6)};
    calls[0].stands_for = 3;
    calls[1].stands_for = 2;
    EXPECT_EQ(began_beyond(calls, 3), 3u) << "two at 2, one at 5";
    EXPECT_EQ(began_beyond(calls, 4), 0u) << "what ended at 4 is over";
}

}  // namespace
}  // namespace autotune::rules
