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
    EXPECT_EQ(p->change, Change(Notify{Severity::critical, "map-reduce, recluster: split"}));
    EXPECT_EQ(p->not_done, "no resize: there were no timeouts in the window; no split: who calls whom, and the code, is not known here");
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

FunctionFacts throttled(std::int64_t refused, std::int64_t served, std::optional<std::int64_t> limit) {
    testing::FactsOf facts("a");
    facts.with(Fact::fn_errors, 1).with(Fact::fn_throttles, refused).with(Fact::fn_invocations, served);
    if (limit) facts.with(Fact::fn_concurrency_limit, *limit);
    return facts;
}

TEST(Plan, AReservationIsRaisedToWhatTheRefusedCallsNeed) {
    const auto p = proposed("{concurrency: {most: 20}}", throttled(30, 60, 4));
    ASSERT_TRUE(p) << p.error().message;
    EXPECT_EQ(p->change, Change(Reserve{.from = 4, .to = 8, .before = {.calls = 90, .bad = 30}})) << "4 × 90/60 × 1.2, rounded up";
    EXPECT_EQ(kind_of(p->change), "concurrency");
    EXPECT_EQ(describe(p->change), "reserved concurrency 4 → 8");
    const auto to = [](const FunctionFacts& facts) { return std::get<Reserve>(proposed("{concurrency: {most: 20, reserve: 3}}", facts)->change).to; };
    EXPECT_EQ(to(throttled(900, 10, 4)), 20u) << "bounded";
    EXPECT_EQ(to(throttled(1, 1000, 4)), 5u) << "more than before";
    EXPECT_EQ(to(throttled(5, 0, 1)), 2u) << "nothing was served";
    EXPECT_EQ(to(throttled(5, 10, {})), 3u) << "the account's limit";
}

TEST(Plan, AReservationIsNotRaisedWithoutCauseOrBeyondItsBound) {
    const auto why = [](const std::string& step, const FunctionFacts& facts, const Capabilities* platform = &kLambda) {
        return proposed("{concurrency: {" + step + "}}", facts, platform).error().message;
    };
    EXPECT_THAT(why("most: 9", throttled(0, 10, {})), HasSubstr("no call of it was refused"));
    EXPECT_THAT(why("most: 9", throttled(5, 10, 9)), HasSubstr("its reservation is 9, and the rule allows 9"));
    EXPECT_THAT(why("most: 9", throttled(5, 10, 0)), HasSubstr("a reservation of 0 switches it off"));
    EXPECT_THAT(why("most: 9", throttled(5, 10, {})), HasSubstr("no reservation that could be raised"));
    EXPECT_THAT(why("most: 9", out_of_memory("a")), HasSubstr("does not tell which calls it refuses"));
    Capabilities bare = kLambda;
    bare.concurrency = false;
    EXPECT_THAT(why("most: 9", throttled(5, 10, 4), &bare), HasSubstr("reserves no concurrency"));
}

FunctionFacts cold(std::int64_t cold, std::int64_t calls, std::int64_t at_a_time) {
    testing::FactsOf facts("a");
    facts.with(Fact::fn_errors, 1).with(Fact::fn_invocations, calls).with(Fact::fn_cold_starts, cold).with(Fact::fn_memory_mb, 256);
    if (at_a_time > 0) facts.with(Fact::fn_cold_concurrency, at_a_time);
    return facts;
}

TEST(Plan, AsManyAreKeptWarmAsWereUnderWayWhenOneWaited) {
    const auto p = proposed("{keep_warm: {most: 10}}", cold(12, 60, 3));
    ASSERT_TRUE(p) << p.error().message;
    EXPECT_EQ(p->change, Change(KeepWarm{.alias = {}, .from = {}, .to = 3, .before = {.calls = 60, .bad = 12}}));
    EXPECT_EQ(kind_of(p->change), "keep_warm");
    EXPECT_EQ(describe(p->change), "kept warm none → 3");
    EXPECT_EQ(p->because, "when calls waited for a new environment at most 3 were under way at a time; "
                          "3 environments are paid for all the time, called or not: 64800 GB-s a day at 256 MB");
    EXPECT_EQ(p->predicted, "fewer calls wait for a new environment than 12 of 60");
    const auto bounded = proposed("{keep_warm: {most: 1}}", cold(12, 60, 3));
    EXPECT_EQ(std::get<KeepWarm>(bounded->change).to, 1u);
    EXPECT_THAT(bounded->because, HasSubstr("3 were under way at a time, and the rule allows 1; 1 environment is paid for"));
}

TEST(Plan, NothingIsKeptWarmWithoutCause) {
    const auto why = [](const FunctionFacts& facts, const Capabilities* platform = &kLambda) {
        return proposed("{keep_warm: {most: 9}}", facts, platform).error().message;
    };
    EXPECT_THAT(why(cold(0, 60, 0)), HasSubstr("no call of it waited"));
    EXPECT_THAT(why(cold(3, 60, 0)), HasSubstr("how many of its calls were under way"));
    EXPECT_THAT(why(testing::FactsOf("a").with(Fact::fn_errors, 1)), HasSubstr("is not known"));
    Capabilities bare = kLambda;
    bare.warm = false;
    EXPECT_THAT(why(cold(12, 60, 3), &bare), HasSubstr("keeps no environments ready"));
}

TEST(Plan, WhatWasKeptWarmInVainIsNotTriedAgain) {
    const RuleSet set = testing::rules_of("rules:\n- {name: a, when: fn.errors > 0, plan: [{keep_warm: {most: 9}}]}\n");
    const auto facts = cold(12, 60, 3);
    StepTask task{.rule = set.rules.at(0), .guardrails = set.guardrails, .facts = facts, .slo = {}, .platform = &kLambda, .attempts = {}};
    task.attempts.largest_unproven_warm = 2;
    EXPECT_TRUE(propose(task)) << "3 is another";
    task.attempts.largest_unproven_warm = 3;
    EXPECT_THAT(propose(task).error().message, HasSubstr("3 kept warm was tried within 30 days and did not prove itself"));
}

TEST(Plan, AReservationThatDidNotProveItselfIsNotTriedAgain) {
    const RuleSet set = testing::rules_of("rules:\n- {name: a, when: fn.errors > 0, plan: [{concurrency: {most: 9}}]}\n");
    const auto facts = throttled(30, 60, 4);
    StepTask task{.rule = set.rules.at(0), .guardrails = set.guardrails, .facts = facts, .slo = {}, .platform = &kLambda, .attempts = {}};
    task.attempts.largest_unproven_reservation = 7;
    EXPECT_TRUE(propose(task)) << "8 is another";
    task.attempts.largest_unproven_reservation = 8;
    EXPECT_THAT(propose(task).error().message, HasSubstr("8 was tried within 30 days and did not prove itself"));
}

TEST(Plan, ResultsThatDifferAreNotKept) {
    const auto facts = [](std::int64_t differing) {
        return testing::FactsOf("a").with(Fact::fn_errors, 1).with(Fact::fn_repeated_inputs, 9).with(Fact::fn_nondeterministic, differing);
    };
    const std::string results = "{cache: {of: results, safe: true}}";
    EXPECT_TRUE(proposed(results, facts(0)));
    EXPECT_THAT(proposed(results, facts(2)).error().message, HasSubstr("answered otherwise 2 of 9 times"));
    EXPECT_TRUE(proposed("{cache: {}}", facts(2))) << "answers of services are another matter";
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

// What a rule that fuses proposes where that is answered.
Result<Proposal> fused(const Result<Regrouped>& answer, Attempts attempts = {}, const std::string& more = "{notify: {suggest: look}}") {
    const RuleSet set = testing::rules_of("rules:\n- {name: a, when: fn.errors > 0, plan: [{recluster: {op: fuse, last: 6h}}, " + more + "]}\n");
    const Regrouper regrouper = [&](const FunctionRef& function, const ReclusterStep& step) {
        EXPECT_EQ(function.name, "a");
        EXPECT_EQ(step, (ReclusterStep{.op = ReclusterStep::Op::fuse, .last = std::chrono::hours(6)}));
        return answer;
    };
    const FunctionFacts facts = out_of_memory("a");
    return propose({.rule = set.rules.at(0),
                    .guardrails = set.guardrails,
                    .facts = facts,
                    .slo = {},
                    .platform = &kLambda,
                    .attempts = std::move(attempts),
                    .regrouper = &regrouper});
}

TEST(Plan, AGroupIsDeployedWhereThereIsOne) {
    const Deploy deploy{.code_hash = "h", .package = "/p", .words = "fuse with b", .remedy = "fuse"};
    const auto p = fused(Regrouped{.deploy = deploy, .because = "it waits for b", .predicted = "GB-s 2 → 1"});
    ASSERT_TRUE(p) << p.error().message;
    EXPECT_EQ(p->change, Change(deploy));
    EXPECT_EQ(kind_of(p->change), "recluster");
    EXPECT_EQ(describe(p->change), "fuse with b");
    EXPECT_EQ(p->because, "it waits for b");
    EXPECT_EQ(p->predicted, "GB-s 2 → 1");
}

TEST(Plan, WhereThereIsNoGroupPeopleAreToldWhy) {
    const auto p = fused(fail(Errc::unsupported, "it calls nobody"));
    ASSERT_TRUE(p) << p.error().message;
    EXPECT_EQ(p->change, Change(Notify{Severity::warning, "look, recluster: fuse"}));
    EXPECT_EQ(p->not_done, "no fuse: it calls nobody");
    const auto resized = fused(fail(Errc::unsupported, "it calls nobody"), {}, "{resize: {}}");
    EXPECT_TRUE(std::holds_alternative<Resize>(resized->change)) << "the next that is feasible";
}

TEST(Plan, WhatIsBeingWorkedOutIsWaitedFor) {
    const auto p = fused(fail(Errc::unavailable, "it is being worked out"), {}, "{resize: {}}");
    ASSERT_FALSE(p);
    EXPECT_EQ(p.error().code, Errc::unavailable);
    EXPECT_THAT(p.error().message, HasSubstr("worked out"));
}

TEST(Plan, AGroupThatWasTriedIsNotTriedAgain) {
    Attempts attempts;
    attempts.reclusterings["fuse"] = Disposition::rolled_back;
    EXPECT_THAT(fused(Regrouped{}, attempts)->not_done, HasSubstr("did not prove itself"));
    attempts.reclusterings["fuse"] = Disposition::promoted;
    EXPECT_THAT(fused(Regrouped{}, attempts)->not_done, HasSubstr("did not end it"));
    attempts.reclusterings.clear();
    attempts.reclusterings["split"] = Disposition::promoted;
    EXPECT_TRUE(std::holds_alternative<Deploy>(fused(Regrouped{}, attempts)->change));
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
