#include "cli/trials.hpp"

#include <gtest/gtest.h>

#include <map>

namespace autotune::cli {
namespace {

using std::chrono::seconds;

// A store that holds nothing but calls.
class CallStore final : public KnowledgeStore {
public:
    std::vector<Invocation> calls;
    bool broken = false;

    Result<ChangeId> open_change(const ChangeRecord&) override { return ChangeId{1}; }
    Status save_change(const ChangeRecord&) override { return ok(); }
    Result<std::vector<ChangeRecord>> unfinished_changes() override { return std::vector<ChangeRecord>{}; }
    Result<std::vector<ChangeRecord>> changes(std::size_t) override { return std::vector<ChangeRecord>{}; }
    Result<std::vector<ChangeRecord>> changes_since(WallTime) override { return std::vector<ChangeRecord>{}; }
    Status append(std::span<const Invocation>) override { return ok(); }
    Result<std::vector<Invocation>> invocations_since(const FunctionRef&, WallTime) override {
        if (broken) return fail(Errc::unavailable, "the disk is gone");
        return calls;
    }
    Status forget(WallTime) override { return ok(); }
};

constexpr WallTime kPublished{seconds(1000)};

ChangeRecord observed_change() {
    ChangeRecord c;
    c.id = ChangeId{7};
    c.action.target = {.provider = "aws-lambda", .name = "orders"};
    c.action.canary = CanaryPolicy{.horizon = seconds(60)};
    c.before.stable = "1";
    c.candidate = "2";
    c.candidate_published = kPublished;
    c.step = Step::observing;
    return c;
}

Invocation call(const Version& version, int second, InvocationStatus status = InvocationStatus::ok) {
    Invocation i;
    i.function = {.provider = "aws-lambda", .name = "orders"};
    i.version = version;
    i.wall_start = kPublished + seconds(second);
    i.duration = std::chrono::milliseconds(100);
    i.status = status;
    return i;
}

TEST(Trials, JudgesByCallsOnRecordAndLiveOnes) {
    CallStore store;
    for (int s = 1; s <= 4; ++s) {
        store.calls.push_back(call("1", s, InvocationStatus::out_of_memory));
        store.calls.push_back(call("2", s));
    }
    Trials trials(store);
    const ChangeRecord change = observed_change();
    ASSERT_TRUE(trials.follow({&change, 1}));
    const auto early = trials.judge(change, kPublished + seconds(5));
    ASSERT_TRUE(early);
    EXPECT_EQ(early->decision, JudgeReport::Decision::waiting);
    EXPECT_EQ(early->pairs, 4u);
    for (int s = 5; s <= 9; ++s)
        trials.add(std::vector{call("1", s, InvocationStatus::out_of_memory), call("2", s)});
    const auto late = trials.judge(change, kPublished + seconds(10));
    ASSERT_TRUE(late);
    EXPECT_EQ(late->decision, JudgeReport::Decision::promote);
    EXPECT_EQ(late->canary_calls, 9u);
}

// 4 of 8 attempts were refused by a limit of 1; since then two at a time are served.
TEST(Trials, JudgesAReservationByWhatIsRefusedSince) {
    CallStore store;
    store.calls.push_back(call("1", 1));  // on record; of the refused ones there is none, so it does not count
    Trials trials(store);
    ChangeRecord change = observed_change();
    change.action.change = Reserve{.from = 1, .to = 2, .before = {.calls = 8, .bad = 4}};
    ASSERT_TRUE(trials.follow({&change, 1}));
    const auto throttled = [](int second) {
        return ThrottledCall{.function = {"aws-lambda", "orders"}, .at = kPublished + seconds(second), .limit = 2};
    };
    trials.add(std::vector{throttled(-1), throttled(2)});  // the first was before
    trials.add(std::vector{call("1", -1)});
    const auto early = trials.judge(change, kPublished + seconds(5));
    ASSERT_TRUE(early);
    EXPECT_EQ(early->decision, JudgeReport::Decision::waiting);
    EXPECT_EQ(early->canary_calls, 1u);
    EXPECT_EQ(early->canary_failures, 1u);
    for (int s = 3; s < 50; ++s) {
        Invocation one = call("1", s), beside = call("1", s);
        one.start = Timestamp(seconds(s));
        beside.start = one.start + std::chrono::milliseconds(10);
        one.end = beside.end = one.start + std::chrono::milliseconds(100);
        trials.add(std::vector{one, beside});
    }
    const auto late = trials.judge(change, kPublished + seconds(51));
    ASSERT_TRUE(late);
    EXPECT_EQ(late->decision, JudgeReport::Decision::promote) << late->reason;
    EXPECT_EQ(late->baseline_failures, 4u);
    EXPECT_EQ(late->canary_calls, 95u);
}

// 9 % were refused, since then 1 %; of those that were served the budget lets one in 10 be told.
TEST(Trials, CountsTheCallsOfAReservationThatWereNotTold) {
    CallStore store;
    Trials trials(store);
    ChangeRecord change = observed_change();
    change.action.change = Reserve{.from = 5, .to = 9, .before = {.calls = 1'100, .bad = 100}};
    ASSERT_TRUE(trials.follow({&change, 1}));
    for (int s = 0; s < 50; ++s) {
        Invocation one = call("1", s), beside = call("1", s);
        one.start = Timestamp(seconds(s));
        beside.start = one.start + std::chrono::milliseconds(10);
        one.end = beside.end = one.start + std::chrono::milliseconds(100);
        one.stands_for = beside.stands_for = 10;
        trials.add(std::vector{one, beside});
        if (s % 5 == 0)
            trials.add(std::vector{ThrottledCall{.function = {"aws-lambda", "orders"}, .at = kPublished + seconds(s), .limit = 9}});
    }
    const auto report = trials.judge(change, kPublished + seconds(51));
    ASSERT_TRUE(report);
    EXPECT_EQ(report->canary_calls, 1'010u);
    EXPECT_EQ(report->decision, JudgeReport::Decision::promote) << report->reason;
}

// Half of the calls were cold; since then none is, and some are served by what is kept.
TEST(Trials, JudgesWhatIsKeptWarmByWhoWaitsSince) {
    CallStore store;
    ChangeRecord change = observed_change();
    change.action.change = KeepWarm{.alias = "live", .from = {}, .to = 2, .before = {.calls = 40, .bad = 20}};
    const auto judged = [&](bool kept, bool cold, Nanos init = std::chrono::milliseconds(10)) {
        Trials trials(store);
        EXPECT_TRUE(trials.follow({&change, 1}));
        for (int s = 1; s < 30; ++s) {
            Invocation one = call("1", s);
            one.start = Timestamp(seconds(s));
            one.end = one.start + std::chrono::milliseconds(100);
            one.kept_warm = kept;
            one.cold = cold;
            one.init = cold ? init : Nanos(0);
            trials.add(std::vector{one});
        }
        return *trials.judge(change, kPublished + seconds(61));
    };
    EXPECT_EQ(judged(true, false).decision, JudgeReport::Decision::promote);
    EXPECT_EQ(judged(true, false).reason, "it helped: 0 of 29 calls since, 20 of 40 before, and 29 were served by an environment that is kept since");
    const JudgeReport unused = judged(false, false);
    EXPECT_EQ(unused.decision, JudgeReport::Decision::hold) << "a steady hour has no cold starts whatever is kept";
    EXPECT_EQ(unused.reason, "not proved to help: 0 of 29 calls since, 20 of 40 before; no call since was served by an environment that is kept since");
    EXPECT_EQ(judged(false, true).decision, JudgeReport::Decision::rollback);
    EXPECT_EQ(judged(false, true, seconds(40)).canary_calls, 0u) << "they had come before all was ready";
}

// Two were kept already, and four are now: that two serve says nothing.
TEST(Trials, JudgesMoreThatIsKeptWarmByWhatTheOldOnesCouldNotServe) {
    CallStore store;
    ChangeRecord change = observed_change();
    change.action.change = KeepWarm{.alias = "live", .from = 2, .to = 4, .before = {.calls = 40, .bad = 20}};
    const auto judged = [&](int at_once) {
        Trials trials(store);
        EXPECT_TRUE(trials.follow({&change, 1}));
        for (int s = 1; s < 30; ++s)
            for (int n = 0; n < at_once; ++n) {
                Invocation one = call("1", s);
                one.start = Timestamp(seconds(s)) + std::chrono::milliseconds(n);
                one.end = Timestamp(seconds(s)) + std::chrono::milliseconds(100);
                one.kept_warm = true;
                trials.add(std::vector{one});
            }
        return trials.judge(change, kPublished + seconds(61))->decision;
    };
    EXPECT_EQ(judged(2), JudgeReport::Decision::hold);
    EXPECT_EQ(judged(3), JudgeReport::Decision::promote);
}

TEST(Trials, AsksTheJudgeOnlyWhenThereIsNews) {
    CallStore store;
    Trials trials(store);
    const ChangeRecord change = observed_change();
    ASSERT_TRUE(trials.follow({&change, 1}));
    EXPECT_TRUE(trials.judge(change, kPublished + seconds(1)));
    EXPECT_FALSE(trials.judge(change, kPublished + seconds(2)));
    trials.add(std::vector{call("2", 2)});
    EXPECT_TRUE(trials.judge(change, kPublished + seconds(3)));
}

TEST(Trials, CallsOfOtherFunctionsAreNotNews) {
    CallStore store;
    Trials trials(store);
    const ChangeRecord change = observed_change();
    ASSERT_TRUE(trials.follow({&change, 1}));
    EXPECT_TRUE(trials.judge(change, kPublished + seconds(1)));
    Invocation other = call("2", 2);
    other.function.name = "payments";
    trials.add(std::vector{other});
    EXPECT_FALSE(trials.judge(change, kPublished + seconds(3)));
}

TEST(Trials, AtTheHorizonTheJudgeHoldsAndTheChangeIsReverted) {
    CallStore store;
    Trials trials(store);
    const ChangeRecord change = observed_change();
    ASSERT_TRUE(trials.follow({&change, 1}));
    (void)trials.judge(change, kPublished + seconds(1));
    const auto report = trials.judge(change, kPublished + seconds(60));
    ASSERT_TRUE(report);
    EXPECT_EQ(report->decision, JudgeReport::Decision::hold);
    EXPECT_EQ(verdict(*report, *change.action.canary), Disposition::reverted);
    CanaryPolicy patient = *change.action.canary;
    patient.on_hold = CanaryPolicy::OnHold::keep_waiting;
    EXPECT_EQ(verdict(*report, patient), std::nullopt);
}

TEST(Trials, AHeldCanaryIsJudgedAgainOnlyWhenThereIsNews) {
    CallStore store;
    Trials trials(store);
    ChangeRecord change = observed_change();
    change.action.canary->on_hold = CanaryPolicy::OnHold::keep_waiting;
    ASSERT_TRUE(trials.follow({&change, 1}));
    EXPECT_TRUE(trials.judge(change, kPublished + seconds(60)));
    EXPECT_FALSE(trials.judge(change, kPublished + seconds(61)));
    trials.add(std::vector{call("2", 62)});
    EXPECT_TRUE(trials.judge(change, kPublished + seconds(63)));
}

TEST(Trials, AReportThatCouldNotBeActedUponIsGivenAgain) {
    CallStore store;
    Trials trials(store);
    const ChangeRecord change = observed_change();
    ASSERT_TRUE(trials.follow({&change, 1}));
    EXPECT_TRUE(trials.judge(change, kPublished + seconds(60)));
    trials.ask_again(change.id);
    EXPECT_TRUE(trials.judge(change, kPublished + seconds(61)));
}

TEST(Trials, AStoreThatFailsIsAskedAgain) {
    CallStore store;
    store.broken = true;
    Trials trials(store);
    const ChangeRecord change = observed_change();
    EXPECT_FALSE(trials.follow({&change, 1}));
    EXPECT_FALSE(trials.judge(change, kPublished + seconds(1)));
    store.broken = false;
    EXPECT_TRUE(trials.follow({&change, 1}));
    EXPECT_TRUE(trials.judge(change, kPublished + seconds(1)));
}

TEST(Trials, AChangeThatIsNoLongerObservedIsForgotten) {
    CallStore store;
    Trials trials(store);
    ChangeRecord change = observed_change();
    ASSERT_TRUE(trials.follow({&change, 1}));
    change.step = Step::promoting;
    ASSERT_TRUE(trials.follow({&change, 1}));
    EXPECT_FALSE(trials.judge(change, kPublished + seconds(100)));
}

}  // namespace
}  // namespace autotune::cli
