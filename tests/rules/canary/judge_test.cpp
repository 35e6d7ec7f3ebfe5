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

TEST(Judge, NeedsExactly348CleanPairs) {
    const Pair clean{took(100ms), took(100ms)};
    EXPECT_EQ(judged(times(347, clean)).decision, Decision::waiting);
    const JudgeReport report = judged(times(348, clean));
    EXPECT_EQ(report.decision, Decision::promote);
    EXPECT_EQ(report.pairs, 348u);
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

TEST(Judge, PathTellsTheEvidenceAfterEachPair) {
    const Trial trial{.pairs = times(400, {took(100ms), took(100ms)}), .canary = {.calls = 400}, .baseline = {.calls = 400}};
    const JudgedPath judged = judge_with_path(trial, {}, Horizon::reached);
    EXPECT_EQ(judged.report.decision, Decision::promote);
    ASSERT_EQ(judged.path.size(), judged.report.pairs);
    EXPECT_EQ(judged.path.back().errors, judged.report.log10_e_errors);
    EXPECT_EQ(judged.path.back().latency, judged.report.log10_e_latency);
    EXPECT_EQ(judge(trial, {}, Horizon::reached).pairs, judged.report.pairs);
}

TEST(Judge, DoesNotPromoteWhileTheEndOfBaselineCallsIsNotKnown) {
    Trial trial{.pairs = times(400, {took(100ms), took(100ms)}), .canary = {.calls = 400}, .baseline = {.calls = 400}};
    trial.baseline.unknown = 5;
    const JudgeReport report = judge(trial, {}, Horizon::reached);
    EXPECT_EQ(report.decision, Decision::hold);
    EXPECT_NE(report.reason.find("the end of 5 baseline calls was not seen"), std::string::npos);
}

TEST(Judge, WithinTheIndifferenceNothingIsHarmAndNothingIsSlower) {
    const Pair twice{took(2ms), took(1ms)};  // but who notices a millisecond?
    EXPECT_EQ(judged(times(400, twice)).decision, Decision::rollback);
    CanaryPolicy policy;
    policy.indifference = 3ms;
    EXPECT_EQ(judge(times(400, twice), policy, Horizon::open).decision, Decision::promote);
    EXPECT_EQ(judge(times(400, {took(5ms), took(1ms)}), policy, Horizon::open).decision, Decision::rollback);
}

TEST(Judge, SlowerByLessThanTheHarmMarginIsNoReasonToRollBack) {
    const Pair slightly{took(108ms), took(100ms)};
    EXPECT_EQ(judged(times(400, slightly)).decision, Decision::rollback);
    CanaryPolicy policy;
    policy.harm_margin = 0.1;
    EXPECT_EQ(judge(times(400, slightly), policy, Horizon::open).decision, Decision::promote);
    EXPECT_EQ(judge(times(400, {took(120ms), took(100ms)}), policy, Horizon::open).decision, Decision::rollback);
}

TEST(Judge, ComparesInTheTicksOfRecordedTimes) {
    // 4 ms and 10 % more are both recorded as 4 ms: that proves nothing. Of times in µs it does.
    EXPECT_EQ(judged(times(400, {took(4ms), took(4ms)}), Horizon::reached).decision, Decision::hold);
    EXPECT_EQ(judged(times(400, {took(4001us), took(4001us)})).decision, Decision::promote);
}

TEST(Judge, TakesTheLongestTimesAndTheShortest) {
    CanaryPolicy policy;
    policy.latency_margin = 10;
    for (const Nanos t : {Nanos(0), Nanos(1), Nanos::max()})
        for (const Nanos u : {Nanos(0), Nanos(1), Nanos::max()}) {
            const JudgeReport report = judge(times(30, {took(t), took(u)}), policy, Horizon::reached);
            EXPECT_TRUE(std::isfinite(report.log10_e_latency) && std::isfinite(report.log10_e_harm));
        }
}

// Whatever came before, evidence of harm reaches 1/β at most so often if nothing is slower.
TEST(Judge, RollsBackWhatIsAsGoodAtMostAsOftenAsPromised) {
    constexpr int kRuns = 300, kPairs = 400;
    int rolled_back = 0;
    for (unsigned run = 0; run < kRuns; ++run) {
        std::mt19937 random(run);
        std::lognormal_distribution<double> duration(std::log(50e6), 0.8);
        std::vector<Pair> pairs;
        for (int i = 0; i < kPairs; ++i) {
            const double drift = 1 + i / 100.;
            const auto call = [&] { return took(Nanos(static_cast<std::int64_t>(drift * duration(random)))); };
            pairs.push_back({call(), call()});
        }
        rolled_back += judged(pairs).decision == Decision::rollback;
    }
    EXPECT_LE(rolled_back, kRuns * 0.05);
}

TEST(Judge, PromotesAtTheBoundaryAtMostAsOftenAsPromised) {
    EXPECT_LE(promoted_share(1.10, 0), 0.05);
    EXPECT_LE(promoted_share(1.0, 0.01), 0.05);
}

TEST(Judge, PromotesWhatIsAsGood) { EXPECT_GE(promoted_share(1.0, 0), 0.80); }

}  // namespace
}  // namespace autotune::rules
