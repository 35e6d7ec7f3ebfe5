#include "rules/plan/steps.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/rules/builders.hpp"

namespace autotune::rules {
namespace {

using ::testing::HasSubstr;
using testing::kLambda;
using testing::out_of_memory;

Result<Proposal> proposed(const std::string& plan, const FunctionFacts& facts,
                          const Capabilities* platform = &kLambda) {
    const RuleSet set = testing::rules_of("rules:\n- {name: a, when: fn.errors > 0, plan: [" + plan + "]}\n");
    return propose({.rule = set.rules.at(0),
                    .guardrails = set.guardrails,
                    .facts = facts,
                    .slo = {},
                    .platform = platform,
                    .attempts = {}});
}

TEST(Plan, AFeasibleResizeComesBeforeWords) {
    const auto p = proposed("{map_reduce: {}}, {resize: {}}, {notify: {}}", out_of_memory("a"));
    EXPECT_EQ(p->change, Change(Resize{128, 228}));
    EXPECT_EQ(p->not_done, "not carried out by this version: map-reduce");
}

TEST(Plan, WhatCannotBeDoneIsSuggestedInOneNotification) {
    const auto p = proposed(
        "{resize: {strategy: timeout}}, {recluster: {op: split}}, {map_reduce: {}}, "
        "{notify: {severity: critical, suggest: map-reduce}}",
        out_of_memory("a"));
    EXPECT_EQ(p->change, Change(Notify{Severity::critical, "recluster: split, map-reduce"}));
    EXPECT_EQ(p->not_done, "no resize: there were no timeouts in the window");
}

TEST(Plan, AStepWhoseIfDoesNotHoldIsPassedOver) {
    const auto p = proposed("{resize: {if: fn.oom_count > 50}}, {notify: {}}", out_of_memory("a"));
    EXPECT_EQ(p->change, Change(Notify{}));
    EXPECT_EQ(p->not_done, "'fn.oom_count > 50' does not hold");
    EXPECT_THAT(proposed("{resize: {if: fn.p50 > fn.p95}}", out_of_memory("a")).error().message,
                HasSubstr("fn.p50 is not known"));
}

TEST(Plan, ARemedyIsPutAroundTheFunctionWhereNoSizeHelps) {
    const auto p = proposed("{resize: {strategy: timeout}}, {map_reduce: {over: event.items}}, {notify: {}}", out_of_memory("a"));
    ASSERT_TRUE(std::holds_alternative<Wrap>(p->change));
    EXPECT_EQ(describe(p->change), "map-reduce over event.items, at most 100 a part");
    EXPECT_EQ(kind_of(p->change), "map_reduce");
    EXPECT_THAT(p->not_done, HasSubstr("no resize"));
}

TEST(Plan, AHandoverThatIsWaitedForRaisesTheTimeLimit) {
    const auto facts = [](Nanos limit) { return testing::FactsOf("a").with(Fact::fn_errors, 1).with(Fact::fn_timeout, limit); };
    using std::chrono::seconds;
    const auto limit_of = [&](Nanos old) { return std::get<Wrap>(proposed("{handover: {hops: 4}}", facts(old))->change).timeout; };
    EXPECT_EQ(limit_of(seconds(3)), seconds(15));
    EXPECT_EQ(limit_of(std::chrono::milliseconds(2999)), seconds(15));
    EXPECT_EQ(limit_of(seconds(300)), seconds(900));
    EXPECT_THAT(proposed("{handover: {}}", facts(seconds(900))).error().message, HasSubstr("longest already"));
    EXPECT_THAT(proposed("{handover: {}}", testing::FactsOf("a").with(Fact::fn_errors, 1)).error().message,
                HasSubstr("time limit is not known"));
}

TEST(Plan, ARemedyThatWasTriedIsNotTriedAgain) {
    const RuleSet set = testing::rules_of("rules:\n- {name: a, when: fn.errors > 0, plan: [{cache: {}}]}\n");
    const auto facts = out_of_memory("a");
    StepTask task{.rule = set.rules.at(0), .guardrails = set.guardrails, .facts = facts, .slo = {}, .platform = &kLambda, .attempts = {}};
    EXPECT_TRUE(propose(task));
    task.attempts.wraps["cache"] = Disposition::reverted;
    EXPECT_THAT(propose(task).error().message, HasSubstr("did not prove itself"));
    task.attempts.wraps["cache"] = Disposition::promoted;
    EXPECT_THAT(propose(task).error().message, HasSubstr("did not end it"));
    Capabilities bare = kLambda;
    bare.layers = false;
    task.platform = &bare;
    EXPECT_THAT(propose(task).error().message, HasSubstr("has no layers"));
}

TEST(Plan, NeverChangesWhatCannotBeProved) {
    Capabilities all_or_nothing = kLambda;
    all_or_nothing.weighted_routing = false;
    EXPECT_THAT(proposed("{resize: {}}", out_of_memory("a"), &all_or_nothing).error().message,
                HasSubstr("cannot send a share of the calls"));
    EXPECT_THAT(proposed("{resize: {}}", out_of_memory("a"), nullptr).error().message,
                HasSubstr("nothing is known"));
}

}  // namespace
}  // namespace autotune::rules
