// Environments that are kept warm: what is admitted, until when it is waited, what it does where somebody else orders meanwhile.
#include "executor_fixture.hpp"
#include "scripted_lambda.hpp"

namespace autotune {
namespace {

using test::ExecutorTest;
using test::keep_some_warm;
using testing::ElementsAre;
using testing::HasSubstr;

class KeepWarmTest : public ExecutorTest {
protected:
    Outcome end(Disposition verdict) {
        world_.run(verdict);
        EXPECT_EQ(world_.outcomes.size(), 1u);
        return world_.outcomes.at(0);
    }
    void begin() { ASSERT_TRUE(*world_.executor->start(keep_some_warm())); }
};

TEST_F(KeepWarmTest, IsOrderedOnceAndKeptWhenItHelped) {
    begin();
    const Outcome o = end(Disposition::promoted);
    EXPECT_EQ(o.disposition, Disposition::promoted);
    EXPECT_THAT(world_.platform.effects, ElementsAre("warm 3"));
    const auto& made = std::get<KeepWarm>(o.action.change);
    EXPECT_EQ(made.alias, "live") << "which the rules do not know";
    EXPECT_EQ(made.from, std::nullopt);
    EXPECT_EQ(*o.undo, Change(KeepWarm{.alias = "live", .from = 3, .to = {}, .before = {}}));
}

TEST_F(KeepWarmTest, IsTakenBackWhenItDidNot) {
    begin();
    EXPECT_EQ(end(Disposition::reverted).disposition, Disposition::reverted);
    EXPECT_THAT(world_.platform.effects, ElementsAre("warm 3", "warm none"));
}

TEST_F(KeepWarmTest, GoesBackToAsManyAsThereWere) {
    world_.platform.somebody_keeps_warm(2);
    begin();
    EXPECT_EQ(std::get<KeepWarm>(world_.executor->open().front().action.change).from, 2u);
    EXPECT_EQ(end(Disposition::reverted).disposition, Disposition::reverted);
    EXPECT_THAT(world_.platform.effects, ElementsAre("warm 3", "warm 2"));
}

TEST_F(KeepWarmTest, IsObservedFromWhenTheyAreReady) {
    world_.platform.looks_until_ready = 5;  // beyond the failed calls that are borne with
    begin();
    const WallTime began = world_.clock.wall();
    world_.run({});
    ASSERT_EQ(world_.executor->open().front().step, Step::observing) << world_.told();
    EXPECT_GT(world_.executor->open().front().candidate_published, began);
}

// Looks that were answered are no failed calls, however many there were.
TEST_F(KeepWarmTest, ACallThatFailsWhileItWaitsIsTriedAgain) {
    world_.platform.looks_until_ready = 12;
    int looks = 0;
    world_.platform.fault = [&](std::string_view call, test::Moment moment) -> std::optional<Error> {
        if (call != "kept_warm" || moment != test::Moment::before || ++looks != 10) return std::nullopt;
        return Error{Errc::unavailable, "503"};
    };
    begin();
    world_.run({});
    ASSERT_FALSE(world_.executor->open().empty()) << world_.told();
    EXPECT_EQ(world_.executor->open().front().step, Step::observing) << world_.told();
    EXPECT_GT(looks, 12);
}

TEST_F(KeepWarmTest, WhatWasTakenBackIsNotAskedForToBeRolledBack) {
    begin();
    const ChangeId id = world_.executor->open().front().id;
    EXPECT_EQ(end(Disposition::reverted).disposition, Disposition::reverted);
    const auto asked = std::ranges::count(world_.platform.calls, "kept_warm");
    const auto undone = world_.executor->roll_back(id, "ada");
    ASSERT_FALSE(undone);
    EXPECT_THAT(undone.error().message, HasSubstr("nothing to roll back: it was reverted"));
    EXPECT_EQ(std::ranges::count(world_.platform.calls, "kept_warm"), asked);
}

TEST_F(KeepWarmTest, IsGivenUpWhereTheyAreNeverReady) {
    world_.platform.looks_until_ready = 1'000'000;
    begin();
    const Outcome o = end(Disposition::promoted);
    EXPECT_EQ(o.disposition, Disposition::failed);
    EXPECT_THAT(o.detail, HasSubstr("not ready within 15 minutes"));
    EXPECT_THAT(world_.platform.effects, ElementsAre("warm 3", "warm none"));
}

TEST_F(KeepWarmTest, IsGivenUpWhereTheyCannotStart) {
    world_.platform.why_never_warm = "FUNCTION_ERROR_INIT_FAILURE";
    begin();
    const Outcome o = end(Disposition::promoted);
    EXPECT_EQ(o.disposition, Disposition::failed);
    EXPECT_THAT(o.detail, HasSubstr("could not be made ready: FUNCTION_ERROR_INIT_FAILURE"));
    EXPECT_EQ(world_.platform.warm(), std::nullopt);
}

TEST_F(KeepWarmTest, IsRefusedWhereItCannotBe) {
    world_.platform.somebody_keeps_warm(3);
    expect_refused(keep_some_warm(), "3 environments are kept warm for it already");
    world_.platform.somebody_keeps_warm(8);
    expect_refused(keep_some_warm(), "8 environments are kept warm for it already");
    world_.platform.somebody_keeps_warm({});
    Action planned = keep_some_warm();
    planned.change = KeepWarm{.alias = "live", .from = 1, .to = 3, .before = {}};
    expect_refused(planned, "no environments are kept warm for it, and 1 when this was planned");
    world_.platform.can.warm = false;
    expect_refused(keep_some_warm(), "keeps no environments ready");
}

TEST_F(KeepWarmTest, NeedsAnAliasOfOnePublishedVersion) {
    world_.platform.somebody_moves_alias("live", "1", "2", 0.5);
    expect_refused(keep_some_warm(), "is split, between versions 1 and 2");
    world_.platform.somebody_moves_alias("live", "$LATEST");
    expect_refused(keep_some_warm(), "serves the unpublished head");
    world_.platform.somebody_removes_alias("live");
    expect_refused(keep_some_warm(), "no alias to keep environments for");
}

TEST_F(KeepWarmTest, SomebodysOwnStaysBeforeItIsOrdered) {
    begin();
    world_.platform.somebody_keeps_warm(9);
    const Outcome o = end(Disposition::promoted);
    EXPECT_EQ(o.disposition, Disposition::failed);
    EXPECT_THAT(o.detail, HasSubstr("somebody else ordered 9 to be kept warm meanwhile"));
    EXPECT_TRUE(world_.platform.effects.empty()) << world_.told();
    EXPECT_EQ(world_.platform.warm(), 9u);
}

TEST_F(KeepWarmTest, SomebodysOwnStaysWhileItIsObserved) {
    for (const Disposition verdict : {Disposition::promoted, Disposition::reverted}) {
        world_.platform.somebody_keeps_warm({});
        world_.outcomes.clear();
        begin();
        world_.run({});
        world_.platform.somebody_keeps_warm(9);
        const Outcome o = end(verdict);
        EXPECT_EQ(o.disposition, Disposition::failed);
        EXPECT_THAT(o.detail, HasSubstr("9 are kept warm by now, and it was left so"));
        EXPECT_EQ(world_.platform.warm(), 9u);
    }
}

TEST_F(KeepWarmTest, ADryRunSaysTheRequest) {
    Action action = keep_some_warm();
    action.mode = Mode::dry_run;
    EXPECT_EQ(conclusion_of(action).detail, "kept warm none → 3");
}

// PutProvisionedConcurrencyConfig and its like, as in the service model of 2015-03-31.
TEST(AwsLambdaProvisioned, SpeaksLambdasCalls) {
    test::ScriptedLambda lambda;
    lambda.answers(404, R"({"Type":"User","message":"No Provisioned Concurrency Config found for this function"})",
                   {{"X-Amzn-ErrorType", "ProvisionedConcurrencyConfigNotFoundException"}})
        .answers(202, R"({"RequestedProvisionedConcurrentExecutions":3,"Status":"IN_PROGRESS"})")
        .answers(200, R"({"RequestedProvisionedConcurrentExecutions":3,"Status":"IN_PROGRESS"})")
        .answers(200, R"({"RequestedProvisionedConcurrentExecutions":3,"Status":"READY"})")
        .answers(200, R"({"RequestedProvisionedConcurrentExecutions":3,"Status":"FAILED","StatusReason":"FUNCTION_ERROR_INIT_FAILURE"})")
        .answers(204, "");
    auto adapter = lambda.adapter();
    const FunctionRef orders{"aws-lambda", "orders"};
    const auto none = adapter.kept_warm(orders, "live");
    ASSERT_TRUE(none) << none.error().message;
    EXPECT_FALSE(*none);
    EXPECT_TRUE(adapter.keep_warm(orders, "live", 3));
    EXPECT_EQ((*adapter.kept_warm(orders, "live"))->status, Warm::Status::in_progress);
    const auto ready = *adapter.kept_warm(orders, "live");
    EXPECT_EQ(ready->status, Warm::Status::ready);
    EXPECT_EQ(ready->wanted, 3u);
    const auto failed = *adapter.kept_warm(orders, "live");
    EXPECT_EQ(failed->status, Warm::Status::failed);
    EXPECT_EQ(failed->reason, "FUNCTION_ERROR_INIT_FAILURE");
    EXPECT_TRUE(adapter.keep_warm(orders, "live", std::nullopt));
    const auto& asked = lambda.requests;
    ASSERT_EQ(asked.size(), 6u);
    const std::string path = "/2019-09-30/functions/orders/provisioned-concurrency?Qualifier=live";
    EXPECT_EQ(asked[0].method + " " + asked[0].target, "GET " + path);
    EXPECT_EQ(asked[1].method + " " + asked[1].target + " " + asked[1].body, "PUT " + path + R"( {"ProvisionedConcurrentExecutions":3})");
    EXPECT_EQ(asked[5].method + " " + asked[5].target + asked[5].body, "DELETE " + path);
    const auto lines = adapter.preview(KeepWarm{.alias = "live", .from = {}, .to = 3, .before = {}}, {.function = orders}, nullptr);
    EXPECT_THAT(lines, ElementsAre("PUT " + path + R"( {"ProvisionedConcurrentExecutions":3})"));
}

TEST(AwsLambdaProvisioned, AFunctionThatIsGoneIsNotOneWithout) {
    test::ScriptedLambda lambda;
    lambda.answers(404, R"({"Type":"User","Message":"Function not found"})", {{"X-Amzn-ErrorType", "ResourceNotFoundException"}})
        .answers(200, R"({"Status":"READY"})")
        .answers(200, R"({"RequestedProvisionedConcurrentExecutions":-1,"Status":"READY"})")
        .answers(404, R"({"Type":"User","message":"none"})", {{"X-Amzn-ErrorType", "ProvisionedConcurrencyConfigNotFoundException"}});
    auto adapter = lambda.adapter();
    const FunctionRef orders{"aws-lambda", "orders"};
    EXPECT_EQ(adapter.kept_warm(orders, "live").error().code, Errc::not_found);
    EXPECT_FALSE(adapter.kept_warm(orders, "live")) << "how many is not said";
    EXPECT_FALSE(adapter.kept_warm(orders, "live")) << "nor is that a number of environments";
    EXPECT_TRUE(adapter.keep_warm(orders, "live", std::nullopt)) << "what is not there need not be taken away";
}

}  // namespace
}  // namespace autotune
