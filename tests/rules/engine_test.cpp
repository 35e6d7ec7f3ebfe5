#include "rules/engine.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/rules/builders.hpp"

namespace autotune::rules {
namespace {

using namespace std::chrono_literals;
using testing::FactsOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::Loop;
using testing::out_of_memory;
using testing::timed_out;

const std::string kOom = R"(
defaults: {mode: apply}
rules:
- name: oom
  priority: 100
  when: fn.oom_count > 0
  plan: [{resize: {}}]
  annotations: {summary: "{{fn.name}} is full", runbook: "see {{fn.name}}"}
)";
const std::string kNotify =
    "defaults: {mode: apply}\nrules:\n- {name: errors, when: fn.errors > 0, plan: [{notify: {}}], ";

FunctionFacts errors(int n) { return FactsOf("a").with(Fact::fn_errors, n); }
std::vector<std::string> reasons(const Plan& plan) {
    std::vector<std::string> out;
    for (const Refusal& r : plan.refused) out.push_back(r.rule + " on " + r.target.name + ": " + r.reason);
    return out;
}
PastChange change(const Loop& loop, Disposition disposition) {
    return {{"aws-lambda", "a"}, "oom", loop.now(), loop.now(), Resize{128, 228}, disposition};
}

TEST(Engine, AnOutOfMemoryBecomesAResizeWithItsEvidence) {
    const Plan plan = Loop(kOom).facts({out_of_memory("a").last_oom(77)}).tick();
    ASSERT_EQ(plan.actions.size(), 1u);
    const Action& a = plan.actions[0];
    EXPECT_EQ(a.change, Change(Resize{128, 228}));
    EXPECT_EQ(a.target.name, "a");
    EXPECT_THAT(a.because, HasSubstr("a is full; 10 of 100 invocations were killed out of memory at 128 MB"));
    EXPECT_EQ(a.runbook, "see a");
    EXPECT_EQ(a.evidence.kill_time, from_ns(77));
    EXPECT_NE(a.evidence.wall_to, WallTime{});
    EXPECT_EQ(a.evidence.facts.at(0), (std::pair<std::string, std::string>{"fn.oom_count", "10"}));
    EXPECT_EQ(a.canary->weight, 0.10);
    EXPECT_EQ(a.mode, Mode::apply);
}

TEST(Engine, AnActionThatWasNotBegunIsTriedAgainSoonAndDoesNotCount) {
    for (const Nanos rest : {kRetryAfter, kRefusedRest}) {
        Loop loop(kOom);
        for (int attempt = 0; attempt < 5; ++attempt) {
            const Plan plan = loop.facts({out_of_memory("a")}).tick();
            ASSERT_EQ(plan.actions.size(), 1u) << attempt;
            loop.does_not_begin(plan.actions[0], rest);
            EXPECT_THAT(loop.after(rest - 1s).tick().actions, IsEmpty());
            loop.after(1s);
        }
    }
}

TEST(Engine, TheStricterModeCounts) {
    EXPECT_EQ(Loop(kOom).mode(Mode::dry_run).facts({out_of_memory("a")}).tick().actions.at(0).mode,
              Mode::dry_run);
    EXPECT_EQ(Loop(kOom + "  mode: dry-run\n").facts({out_of_memory("a")}).tick().actions.at(0).mode,
              Mode::dry_run);
}

TEST(Engine, WhatIsUnknownNeverFires) {
    const Plan plan = Loop(kNotify + "}").facts({FactsOf("a")}).tick();
    EXPECT_THAT(plan.actions, IsEmpty());
    EXPECT_THAT(plan.refused, IsEmpty());
}

TEST(Engine, WaitsUntilTheConditionHasHeldForTheWholeTime) {
    Loop loop(kNotify + "for: 5m}");
    EXPECT_THAT(loop.facts({errors(1)}).tick().actions, IsEmpty());
    EXPECT_THAT(loop.after(3min).tick().actions, IsEmpty());
    EXPECT_THAT(loop.after(1min).facts({errors(0)}).tick().actions, IsEmpty());
    EXPECT_THAT(loop.after(1min).facts({errors(1)}).tick().actions, IsEmpty());
    EXPECT_THAT(loop.after(4min).tick().actions, IsEmpty());
    EXPECT_EQ(loop.after(1min).tick().actions.size(), 1u);
}

TEST(Engine, AGapInWhichNobodyLookedStartsTheTimeAgain) {
    Loop loop(kNotify + "for: 5m, window: 1m}");
    EXPECT_THAT(loop.facts({errors(1)}).tick().actions, IsEmpty());
    EXPECT_THAT(loop.after(10min).tick().actions, IsEmpty());
}

TEST(Engine, HoldsFireDuringCooldownAndSaysSoOnce) {
    Loop loop(kNotify + "cooldown: 1h}");
    EXPECT_EQ(loop.facts({errors(1)}).tick().actions.size(), 1u);
    const Plan next = loop.after(5min).tick();
    EXPECT_THAT(next.actions, IsEmpty());
    EXPECT_THAT(reasons(next),
                ::testing::ElementsAre("errors on a: in its cooldown of 3600s after its last action"));
    const Plan later = loop.after(5min).tick();
    EXPECT_THAT(later.refused, IsEmpty());
    ASSERT_EQ(later.still_refused.size(), 1u);
    EXPECT_THAT(later.still_refused[0].reason, HasSubstr("in its cooldown"));
    EXPECT_EQ(loop.after(50min).tick().actions.size(), 1u);
}

TEST(Engine, ActsAtMostSoManyTimesADay) {
    Loop loop(kNotify + "cooldown: 0s, max_actions_per_day: 2}");
    loop.facts({errors(1)});
    EXPECT_EQ(loop.tick().actions.size(), 1u);
    EXPECT_EQ(loop.after(1min).tick().actions.size(), 1u);
    EXPECT_THAT(reasons(loop.after(1min).tick()),
                ::testing::ElementsAre(HasSubstr("acted 2 times within 24 hours")));
    EXPECT_EQ(loop.after(24h).tick().actions.size(), 1u);
}

TEST(Engine, StaysActiveUntilClearHasHeldLongEnough) {
    Loop loop(kNotify + "clear_when: fn.errors == 0, clear_for: 10m, for: 5m, cooldown: 0s}");
    const FunctionRef a{"aws-lambda", "a"};
    loop.facts({errors(1)}).tick();
    EXPECT_EQ(loop.after(5min).tick().actions.size(), 1u);
    loop.after(1min).facts({errors(0)}).tick();
    loop.after(9min).tick();
    EXPECT_TRUE(active(loop.state(), "errors", a));
    // Still active: it acts at once, `for` need not pass again.
    EXPECT_EQ(loop.facts({errors(1)}).tick().actions.size(), 1u);
    loop.after(1min).facts({errors(0)}).tick();
    loop.after(10min).tick();
    EXPECT_FALSE(active(loop.state(), "errors", a));
    EXPECT_THAT(loop.facts({errors(1)}).tick().actions, IsEmpty());
}

TEST(Engine, WhatIsUnknownDoesNotClear) {
    Loop loop(kNotify + "}");
    loop.facts({errors(1)}).tick();
    loop.after(1min).facts({FactsOf("a")}).tick();
    EXPECT_TRUE(active(loop.state(), "errors", {"aws-lambda", "a"}));
    loop.after(1min).facts({errors(0)}).tick();
    EXPECT_FALSE(active(loop.state(), "errors", {"aws-lambda", "a"}));
}

TEST(Engine, TheHigherPriorityWinsAndTheLoserIsTold) {
    Loop loop(kOom + "- {name: also, priority: 5, when: fn.oom_count > 0, plan: [{resize: {}}]}\n");
    const Plan plan = loop.facts({out_of_memory("a")}).tick();
    ASSERT_EQ(plan.actions.size(), 1u);
    EXPECT_EQ(plan.actions[0].rule, "oom");
    EXPECT_THAT(reasons(plan),
                ::testing::ElementsAre("also on a: lost to 'oom': one change a function at a time"));
}

TEST(Engine, NotificationsDoNotCompeteWithChanges) {
    Loop loop(kOom + "- {name: tell, priority: 500, when: fn.oom_count > 0, plan: [{notify: {}}]}\n");
    EXPECT_EQ(loop.facts({out_of_memory("a")}).tick().actions.size(), 2u);
}

TEST(Engine, AnOpenChangeBlocksTheNext) {
    Loop loop(kOom + "- {name: also, priority: 5, when: fn.oom_count > 0, plan: [{resize: {}}]}\n");
    loop.remembers(change(loop, Disposition::in_progress)).after(7h);
    const Plan plan = loop.facts({out_of_memory("a")}).tick();
    EXPECT_THAT(plan.actions, IsEmpty());
    EXPECT_THAT(reasons(plan), ::testing::ElementsAre("oom on a: a change by 'oom' is under way on it",
                                                      "also on a: a change by 'oom' is under way on it"));
}

TEST(Engine, AtMostSoManyChangesAtOnce) {
    Loop loop(kOom);
    const Plan plan = loop.facts({out_of_memory("a"), out_of_memory("b")}).tick();
    ASSERT_EQ(plan.actions.size(), 1u);
    EXPECT_EQ(plan.actions[0].target.name, "a");
    EXPECT_THAT(reasons(plan), ::testing::ElementsAre(HasSubstr("oom on b: as many changes are under way")));
}

TEST(Engine, DoesNotJudgeByCallsFromBeforeTheLastChange) {
    Loop loop(kOom + "  cooldown: 1m\n  window: 15m\n");
    loop.remembers(change(loop, Disposition::promoted)).after(5min);
    EXPECT_THAT(reasons(loop.facts({out_of_memory("a")}).tick()),
                ::testing::ElementsAre(HasSubstr("still holds calls from before")));
    EXPECT_EQ(loop.after(10min).tick().actions.size(), 1u);
}

TEST(Engine, CooldownSurvivesTheLossOfItsState) {
    Loop loop(kOom);
    loop.remembers(change(loop, Disposition::reverted)).after(1h);
    EXPECT_THAT(reasons(loop.facts({out_of_memory("a")}).tick()),
                ::testing::ElementsAre(HasSubstr("in its cooldown")));
}

TEST(Engine, AfterARevertedResizeTheNextGoesFurther) {
    Loop loop(kOom);
    loop.remembers(change(loop, Disposition::reverted)).after(7h);
    EXPECT_EQ(loop.facts({out_of_memory("a")}).tick().actions.at(0).change, Change(Resize{128, 328}));
}

TEST(Engine, ActsOnlyInItsScope) {
    Loop loop(
        "defaults: {mode: apply}\nrules:\n- {name: r, when: fn.errors > 0, plan: [{notify: {}}], "
        "scope: {functions: \"orders-*\", labels: {tier: prod}}}\n");
    const auto function = [](const char* name, const char* tier) {
        return FactsOf(name).with(Fact::fn_errors, 1).label("tier", tier);
    };
    const Plan plan =
        loop.facts({function("orders-eu", "prod"), function("orders-us", "test"), function("mail", "prod")})
            .tick();
    ASSERT_EQ(plan.actions.size(), 1u);
    EXPECT_EQ(plan.actions[0].target.name, "orders-eu");
}

TEST(Engine, WhatNeedsAnApprovalSaysHowLongItMayWait) {
    const auto planned = [](const std::string& approval) {
        Loop loop("guardrails: {approval: {" + approval + "}}\n" + kOom);
        return loop.facts({out_of_memory("a")}).tick().actions.at(0);
    };
    EXPECT_EQ(planned("required_for: [resize]").approval_within, 24h);
    EXPECT_EQ(planned("required_for: [resize]").mode, Mode::apply);
    EXPECT_THAT(planned("required_for: [resize]").because, HasSubstr("needs an approval"));
    EXPECT_EQ(planned("required_for: [resize], expires: 2h").approval_within, 2h);
    EXPECT_EQ(planned("required_for: [recluster]").approval_within, std::nullopt);
}

TEST(Engine, AChangeThatWaitsForAnApprovalHoldsBackItsOwnFunctionOnly) {
    Loop loop(kOom);
    PastChange waits = change(loop, Disposition::waiting);
    waits.rule = "another";
    loop.remembers(waits);
    const Plan plan = loop.facts({out_of_memory("a"), out_of_memory("b")}).tick();
    ASSERT_EQ(plan.actions.size(), 1u) << "it is none of the changes under way";
    EXPECT_EQ(plan.actions[0].target.name, "b");
    EXPECT_THAT(reasons(plan),
                ::testing::ElementsAre(HasSubstr("a change by 'another' waits for an approval on it")));
}

TEST(Engine, WhatIsApprovedBeginsWhenTheGuardrailsAllow) {
    const FunctionRef a{"aws-lambda", "a"}, b{"aws-lambda", "b"};
    EXPECT_EQ(Loop(kOom).held_back(a), "");
    Loop busy(kOom);
    busy.remembers(change(busy, Disposition::in_progress));
    EXPECT_THAT(busy.held_back(a), HasSubstr("is under way on it"));
    EXPECT_THAT(busy.held_back(b), HasSubstr("max_concurrent_changes"));
    Loop waiting(kOom);
    waiting.remembers(change(waiting, Disposition::waiting));
    EXPECT_EQ(waiting.held_back(a), "") << "its own wait holds nothing back";
    Loop closed("guardrails: {maintenance: [{days: [mon], from: \"00:00\", to: \"00:01\"}]}\n" + kOom);
    EXPECT_EQ(closed.held_back(a), "outside of the maintenance windows");
    Loop frozen("guardrails: {freeze_when: [oom]}\n" + kOom);
    frozen.facts({out_of_memory("a")}).tick();
    EXPECT_THAT(frozen.held_back(a), HasSubstr("frozen while 'oom' is active"));
}

TEST(Engine, ARefusalIsToldAgainOnlyWhenItsReasonChanges) {
    Loop loop(
        "defaults: {mode: apply}\nrules:\n- {name: slow, when: fn.timeouts > 0, cooldown: 0s, plan: "
        "[{resize: {}}]}\n");
    const auto waiting = [](int killed) { return timed_out("a", killed).with(Fact::fn_oncpu_share, 0.1); };
    EXPECT_THAT(reasons(loop.facts({waiting(20)}).tick()),
                ::testing::ElementsAre(HasSubstr("CPU does not help")));
    EXPECT_THAT(loop.after(1min).facts({waiting(30).with(Fact::fn_oncpu_share, 0.12)}).tick().refused,
                IsEmpty());
    EXPECT_THAT(reasons(loop.after(1min).facts({waiting(30).with(Fact::fn_oncpu_share, FactValue{})}).tick()),
                ::testing::ElementsAre(HasSubstr("is not known")));
}

TEST(Engine, ForgetsFunctionsThatNobodyCallsAndRulesThatAreGone) {
    Loop loop(kNotify + "}");
    loop.facts({errors(1)}).tick();
    EXPECT_EQ(loop.state().rules.size(), 1u);
    loop.facts({}).after(1h).tick();
    EXPECT_FALSE(active(loop.state(), "errors", {"aws-lambda", "a"}));
    EXPECT_EQ(loop.state().rules.size(), 1u) << "its actions still count";
    loop.after(24h).tick();
    EXPECT_EQ(loop.state().rules.size(), 0u);
}

TEST(Engine, TheSameInputsGiveTheSamePlanAndState) {
    Loop one(kOom), two(kOom);
    const Plan a = one.facts({out_of_memory("b"), out_of_memory("a")}).tick();
    const Plan b = two.facts({out_of_memory("a"), out_of_memory("b")}).tick();
    ASSERT_EQ(a.actions.size(), 1u);
    EXPECT_EQ(a.actions[0].target, b.actions.at(0).target);
    EXPECT_EQ(one.state(), two.state());
}

TEST(Engine, AnActionSaysWhatBecameOfEarlierOnes) {
    Loop loop(kOom);
    const auto of_another = [&](Disposition disposition) {
        PastChange past = change(loop, disposition);
        past.function.name = "b";
        return past;
    };
    for (const Disposition d : {Disposition::promoted, Disposition::promoted, Disposition::rolled_back, Disposition::failed})
        loop.remembers(of_another(d));
    const Plan plan = loop.facts({out_of_memory("a")}).tick();
    ASSERT_EQ(plan.actions.size(), 1u);
    EXPECT_THAT(plan.actions[0].because, HasSubstr("of 3 earlier resizes by this rule 2 were proved"));
    EXPECT_THAT(Loop(kOom).facts({out_of_memory("a")}).tick().actions.at(0).because, ::testing::Not(HasSubstr("earlier")));
}

TEST(History, KeepsTheResizesThatWereCarriedOut) {
    ChangeRecord record;
    record.action.change = Resize{128, 228};
    record.action.rule = "oom";
    record.step = Step::observing;
    record.disposition = Disposition::in_progress;
    ChangeRecord told = record, planned = record, done = record;
    told.action.change = Notify{};
    planned.disposition = Disposition::planned;
    done.step = Step::closed;
    done.disposition = Disposition::promoted;
    const History history = history_from(std::vector{record, told, planned, done});
    ASSERT_EQ(history.changes.size(), 2u);
    EXPECT_EQ(history.changes[0].disposition, Disposition::in_progress);
    EXPECT_EQ(history.changes[1].disposition, Disposition::promoted);
}

}  // namespace
}  // namespace autotune::rules
