#include "rules/canary/judge.hpp"

#include <gtest/gtest.h>

#include <random>

namespace autotune::rules {
namespace {

using namespace std::chrono_literals;
using Decision = JudgeReport::Decision;
using End = CallResult::End;

CallResult took(Nanos duration) { return {duration, End::ok}; }
const CallResult kFailed{2s, End::failed};
const CallResult kOutOfMemory{1s, End::out_of_memory};

std::vector<Pair> times(std::size_t n, const Pair& pair) { return std::vector<Pair>(n, pair); }
JudgeReport judged(const std::vector<Pair>& pairs, Horizon horizon = Horizon::open) {
    return judge(pairs, CanaryPolicy{}, horizon);
}

TEST(Judge, NeedsExactly486CleanPairs) {
    const Pair clean{took(100ms), took(100ms)};
    EXPECT_EQ(judged(times(485, clean)).decision, Decision::waiting);
    const JudgeReport report = judged(times(486, clean));
    EXPECT_EQ(report.decision, Decision::promote);
    EXPECT_EQ(report.pairs, 486u);
    EXPECT_EQ(report.canary_p95, 100ms);
    EXPECT_EQ(report.baseline_p95, 100ms);
}

TEST(Judge, NeedsSevenPairsWhenTheBaselineAlwaysFails) {
    const Pair rescued{took(100ms), kFailed};
    EXPECT_EQ(judged(times(6, rescued)).decision, Decision::waiting);
    const JudgeReport report = judged(times(7, rescued));
    EXPECT_EQ(report.decision, Decision::promote);
    EXPECT_EQ(report.baseline_failures, 7u);
    EXPECT_GE(report.log10_e_errors, std::log10(20.0));
}

TEST(Judge, PromotesWithOomInTheBaselineOnly) {
    EXPECT_EQ(judged(times(7, {took(100ms), kOutOfMemory})).decision, Decision::promote);
}

TEST(Judge, RollsBackAtTheFirstOutOfMemoryKillThatTheBaselineDoesNotHave) {
    const JudgeReport report = judged({{kOutOfMemory, took(100ms)}});
    EXPECT_EQ(report.decision, Decision::rollback);
    EXPECT_EQ(report.reason, "the canary ran out of memory, the baseline did not");
}

TEST(Judge, ForgivesAnOutOfMemoryKillWhereTheBaselineHasThemToo) {
    EXPECT_EQ(judged({{took(1s), kOutOfMemory}, {kOutOfMemory, took(1s)}}).decision, Decision::waiting);
    EXPECT_EQ(judged({{kOutOfMemory, kOutOfMemory}}).decision, Decision::waiting);
}

TEST(Judge, SeesTheOutOfMemoryKillOfACallWithoutPartner) {
    const Trial trial{
        .pairs = {}, .canary = {.calls = 1, .failures = 1, .out_of_memory = 1}, .baseline = {.calls = 9}};
    EXPECT_EQ(judge(trial, {}, Horizon::open).decision, Decision::rollback);
}

TEST(Judge, RollsBackWhatFailsWhereTheBaselineDoesNot) {
    const JudgeReport report = judged(times(20, {kFailed, took(100ms)}));
    EXPECT_EQ(report.decision, Decision::rollback);
    EXPECT_LE(report.pairs, 9u);
    EXPECT_NE(report.reason.find("fails where the baseline does not"), std::string::npos);
}

TEST(Judge, RollsBackWhatIsSlower) {
    const JudgeReport report = judged(times(20, {took(200ms), took(100ms)}));
    EXPECT_EQ(report.decision, Decision::rollback);
    EXPECT_NE(report.reason.find("slower"), std::string::npos);
}

TEST(Judge, RollsBackASlowTailBehindAFasterMedian) {
    std::vector<Pair> pairs;
    for (int i = 0; i < 4000; ++i) {
        // Every tenth canary call takes five times as long, the others are a little faster.
        const Nanos canary = i % 10 == 0 ? Nanos(500ms) : Nanos(95ms);
        pairs.push_back({took(canary), took(100ms + Nanos(i % 7))});
    }
    const JudgeReport report = judged(pairs);
    EXPECT_EQ(report.decision, Decision::rollback);
    EXPECT_NE(report.reason.find("slowest calls"), std::string::npos) << report.reason;
}

TEST(Judge, TiesSayNothing) {
    // Exactly at the margin, as times rounded to milliseconds are: neither inside nor beyond.
    const JudgeReport report = judged(times(600, {took(110ms), took(100ms)}));
    EXPECT_EQ(report.log10_e_latency, 0);
    EXPECT_NE(report.decision, Decision::promote);
}

TEST(Judge, FailuresOfBothSayNothingOfLatency) {
    const JudgeReport report = judged(times(600, {kFailed, kFailed}));
    EXPECT_EQ(report.log10_e_latency, 0);
    EXPECT_EQ(report.decision, Decision::waiting);
}

TEST(Judge, NeverPassesWithoutData) {
    EXPECT_EQ(judged({}).decision, Decision::waiting);
    const JudgeReport report = judged({}, Horizon::reached);
    EXPECT_EQ(report.decision, Decision::hold);
    EXPECT_EQ(report.pairs, 0u);
    EXPECT_NE(report.reason.find("0 pairs"), std::string::npos);
}

TEST(Judge, DoesNotPromoteWhileTheEndOfCanaryCallsIsNotKnown) {
    Trial trial{.pairs = times(486, {took(100ms), took(100ms)}),
                .canary = {.calls = 486},
                .baseline = {.calls = 486}};
    trial.canary.unknown = 6;
    const JudgeReport report = judge(trial, {}, Horizon::reached);
    EXPECT_EQ(report.decision, Decision::hold);
    EXPECT_NE(report.reason.find("the end of 6 canary calls was not seen"), std::string::npos);
    trial.canary.unknown = 4;  // within the error margin of 1 %
    EXPECT_EQ(judge(trial, {}, Horizon::reached).decision, Decision::promote);
}

TEST(Judge, KeepsItsDecisionWhateverComesAfter) {
    auto pairs = times(7, {took(100ms), kFailed});
    const JudgeReport first = judged(pairs);
    pairs.insert(pairs.end(), 50, {kFailed, took(100ms)});
    const JudgeReport later = judged(pairs);
    EXPECT_EQ(later.decision, first.decision);
    EXPECT_EQ(later.pairs, first.pairs);
    EXPECT_EQ(later.log10_e_errors, first.log10_e_errors);
}

TEST(Judge, FromScratchAndPairByPairAreTheSame) {
    std::mt19937 random(7);
    JudgeState state;
    std::vector<Pair> pairs;
    for (int i = 0; i < 60; ++i) {
        const auto call = [&] {
            return random() % 20 == 0 ? kFailed : took(Nanos(90ms + Nanos(random() % 20'000'000)));
        };
        pairs.push_back({call(), call()});
        observe(state, pairs.back(), {});
    }
    const JudgeReport report = judged(pairs);
    ASSERT_EQ(report.pairs, 60u);
    EXPECT_EQ(report.log10_e_latency, evidences(state).latency);
    EXPECT_EQ(report.log10_e_errors, evidences(state).errors);
}

// A canary that is worse by just the margin is promoted in at most α of the cases.
double promoted_share(double slowdown, double failure_rate) {
    constexpr int kRuns = 100, kPairs = 700;
    int promoted = 0;
    for (unsigned run = 0; run < kRuns; ++run) {
        std::mt19937 random(run);
        std::lognormal_distribution<double> duration(std::log(50e6), 0.3);
        std::bernoulli_distribution fails(failure_rate);
        std::vector<Pair> pairs;
        for (int i = 0; i < kPairs; ++i) {
            const CallResult baseline = took(Nanos(static_cast<std::int64_t>(duration(random))));
            const CallResult canary = took(Nanos(static_cast<std::int64_t>(slowdown * duration(random))));
            pairs.push_back({fails(random) ? kFailed : canary, baseline});
        }
        promoted += judged(pairs).decision == Decision::promote;
    }
    return static_cast<double>(promoted) / kRuns;
}

TEST(Judge, PromotesAtTheBoundaryAtMostAsOftenAsPromised) {
    EXPECT_LE(promoted_share(1.10, 0), 0.05);
    EXPECT_LE(promoted_share(1.0, 0.01), 0.05);
}

TEST(Judge, PromotesWhatIsAsGood) { EXPECT_GE(promoted_share(1.0, 0), 0.80); }

}  // namespace
}  // namespace autotune::rules
