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
        "{resize: {strategy: timeout}}, {recluster: {op: split}}, {map_reduce: {over: event.items}}, "
        "{notify: {severity: critical, suggest: map-reduce}}",
        out_of_memory("a"));
    EXPECT_EQ(p->change, Change(Notify{Severity::critical, "recluster: split, map-reduce over event.items"}));
    EXPECT_EQ(p->not_done, "no resize: there were no timeouts in the window");
}

TEST(Plan, AStepWhoseIfDoesNotHoldIsPassedOver) {
    const auto p = proposed("{resize: {if: fn.oom_count > 50}}, {notify: {}}", out_of_memory("a"));
    EXPECT_EQ(p->change, Change(Notify{}));
    EXPECT_EQ(p->not_done, "'fn.oom_count > 50' does not hold");
    EXPECT_THAT(proposed("{resize: {if: fn.p50 > fn.p95}}", out_of_memory("a")).error().message,
                HasSubstr("fn.p50 is not known"));
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
