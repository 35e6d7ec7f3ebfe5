// A reservation of concurrency: what is admitted, what it does where somebody else sets it meanwhile.
#include "executor_fixture.hpp"
#include "scripted_lambda.hpp"

namespace autotune {
namespace {

using test::ExecutorTest;
using test::reserve_more;
using testing::ElementsAre;
using testing::HasSubstr;

class ReserveTest : public ExecutorTest {
protected:
    Outcome end(Disposition verdict) {
        world_.run(verdict);
        EXPECT_EQ(world_.outcomes.size(), 1u);
        return world_.outcomes.at(0);
    }
    void begin() { ASSERT_TRUE(*world_.executor->start(reserve_more())); }
    static Action reserving(Reserve reserve) {
        Action a = reserve_more();
        a.change = reserve;
        return a;
    }
};

TEST_F(ReserveTest, IsSetOnceAndKeptWhenItHelped) {
    begin();
    const Outcome o = end(Disposition::promoted);
    EXPECT_EQ(o.disposition, Disposition::promoted);
    EXPECT_THAT(world_.platform.effects, ElementsAre("reserve 3"));
    EXPECT_EQ(*o.undo, Change(Reserve{.from = 3, .to = 1, .before = {}}));
}

TEST_F(ReserveTest, IsTakenBackWhenItDidNot) {
    begin();
    EXPECT_EQ(end(Disposition::reverted).disposition, Disposition::reverted);
    EXPECT_THAT(world_.platform.effects, ElementsAre("reserve 3", "reserve 1"));
}

TEST_F(ReserveTest, OfAFunctionWithoutOneIsTakenAwayAgain) {
    world_.platform.somebody_reserves(std::nullopt);
    ASSERT_TRUE(*world_.executor->start(reserving({.from = {}, .to = 5, .before = {.calls = 10, .bad = 9}})));
    EXPECT_EQ(end(Disposition::rolled_back).disposition, Disposition::rolled_back);
    EXPECT_THAT(world_.platform.effects, ElementsAre("reserve 5", "reserve none"));
}

TEST_F(ReserveTest, NeedsNoAliasNorVersions) {
    world_.platform.somebody_removes_alias("live");
    world_.platform.can.weighted_routing = false;
    begin();
    EXPECT_EQ(end(Disposition::promoted).disposition, Disposition::promoted);
}

TEST_F(ReserveTest, IsRefusedWhereItIsNotAsPlanned) {
    expect_refused(reserving({.from = 2, .to = 4, .before = {}}), "its reservation is 1, and was 2 when this was planned");
    expect_refused(reserving({.from = 1, .to = 1, .before = {}}), "it has a reservation of 1 already");
    expect_refused(reserving({.from = 1, .to = {}, .before = {}}), "not taken away");
    world_.platform.can.concurrency = false;
    expect_refused(reserve_more(), "reserves no concurrency");
}

TEST_F(ReserveTest, SomebodysOwnStaysBeforeItIsSet) {
    begin();
    world_.platform.somebody_reserves(9);
    EXPECT_EQ(end(Disposition::promoted).disposition, Disposition::failed);
    EXPECT_TRUE(world_.platform.effects.empty()) << world_.told();
    EXPECT_EQ(world_.platform.reservation(), 9u);
}

TEST_F(ReserveTest, SomebodysOwnStaysWhileItIsObserved) {
    for (const Disposition verdict : {Disposition::promoted, Disposition::reverted}) {
        world_.platform.somebody_reserves(1);
        world_.outcomes.clear();
        begin();
        world_.run({});
        world_.platform.somebody_reserves(9);
        const Outcome o = end(verdict);
        EXPECT_EQ(o.disposition, Disposition::failed);
        EXPECT_THAT(o.detail, HasSubstr("9 is reserved by now, and was left so"));
        EXPECT_EQ(world_.platform.reservation(), 9u);
    }
}

// It was told to wait, and is gone when the call comes through all the same.
TEST_F(ReserveTest, WhatIsInDoubtIsSetBackOnceMore) {
    begin();
    world_.platform.fault = [](std::string_view call, test::Moment) -> std::optional<Error> {
        if (call == "reserve") return Error{Errc::timed_out, "no answer"};
        return std::nullopt;
    };
    for (int i = 0; i < 40 && world_.executor->open().front().step != Step::reverting; ++i)
        if (!world_.executor->step()) world_.clock.advance(std::chrono::minutes(1));
    world_.platform.fault = [](std::string_view, test::Moment) { return std::nullopt; };
    EXPECT_EQ(end(Disposition::promoted).disposition, Disposition::failed);
    EXPECT_THAT(world_.platform.effects, ElementsAre("reserve 1"));
}

TEST_F(ReserveTest, ADryRunSaysTheRequest) {
    Action action = reserve_more();
    action.mode = Mode::dry_run;
    EXPECT_EQ(conclusion_of(action).detail, "reserved concurrency 1 → 3");
}

// GetFunctionConcurrency, PutFunctionConcurrency, DeleteFunctionConcurrency as in the service model of 2015-03-31.
TEST(AwsLambdaConcurrency, SpeaksLambdasCalls) {
    test::ScriptedLambda lambda;
    lambda.answers(200, R"({"ReservedConcurrentExecutions":7})").answers(200, "{}").answers(200, R"({"ReservedConcurrentExecutions":9})").answers(204, "");
    auto adapter = lambda.adapter();
    const FunctionRef orders{"aws-lambda", "orders"};
    EXPECT_EQ(*adapter.reserved(orders), std::optional(7u));
    EXPECT_EQ(*adapter.reserved(orders), std::nullopt);
    EXPECT_TRUE(adapter.reserve(orders, 9));
    EXPECT_TRUE(adapter.reserve(orders, std::nullopt));
    const auto& asked = lambda.requests;
    ASSERT_EQ(asked.size(), 4u);
    EXPECT_EQ(asked[0].method + " " + asked[0].target, "GET /2019-09-30/functions/orders/concurrency");
    EXPECT_EQ(asked[2].method + " " + asked[2].target + " " + asked[2].body,
              R"(PUT /2017-10-31/functions/orders/concurrency {"ReservedConcurrentExecutions":9})");
    EXPECT_EQ(asked[3].method + " " + asked[3].target + asked[3].body, "DELETE /2017-10-31/functions/orders/concurrency");
    const auto lines = adapter.preview(Reserve{.from = 7, .to = 9, .before = {}}, {.function = orders}, nullptr);
    EXPECT_THAT(lines, ElementsAre(R"(PUT /2017-10-31/functions/orders/concurrency {"ReservedConcurrentExecutions":9})"));
}

TEST(AwsLambdaObservations, AreTheEmbeddedHosts) {
    test::ScriptedLambda lambda;
    lambda.answers(200, R"({"next":"h.3","more":true,"missed":2,"throttled":[{"function":"orders","at_us":5,"limit":1},{"function":"orders","at_us":6}],
                            "answered":[{"function":"orders","at_us":7,"id":"i-1","version":"1 r","input":"00000000000000ff","output":"8000000000000001"}]})")
        .answers(404, R"({"Type":"User","Message":"no such operation"})", {{"X-Amzn-ErrorType", "UnknownOperationException"}})
        .answers(200, R"({"next":"h.3"})");
    auto adapter = lambda.adapter();
    const auto told = adapter.observe("h.1");
    ASSERT_TRUE(told) << told.error().message;
    EXPECT_EQ(lambda.requests[0].target, "/autotune/observations?after=h.1");
    EXPECT_EQ(told->next, "h.3");
    EXPECT_TRUE(told->more);
    EXPECT_EQ(told->missed, 2u);
    ASSERT_EQ(told->throttled.size(), 2u);
    EXPECT_EQ(told->throttled[0].limit, 1u);
    EXPECT_FALSE(told->throttled[1].limit);
    EXPECT_EQ(told->throttled[1].at, WallTime(std::chrono::microseconds(6)));
    ASSERT_EQ(told->answered.size(), 1u);
    EXPECT_EQ(told->answered[0].input, 0xffu);
    EXPECT_EQ(told->answered[0].output, 0x8000000000000001u);
    EXPECT_EQ(adapter.observe("").error().code, Errc::unsupported);
    EXPECT_EQ(adapter.observe("").error().code, Errc::unavailable) << "half an answer";
}

TEST(AwsLambdaConcurrency, IsNotCutToWhatFits) {
    for (const char* limit : {"-1", "1099511627776", "1.5", "\"7\""}) {
        test::ScriptedLambda lambda;
        lambda.answers(200, std::string(R"({"ReservedConcurrentExecutions":)") + limit + "}");
        const auto reserved = lambda.adapter().reserved({"aws-lambda", "orders"});
        ASSERT_FALSE(reserved) << limit;
        EXPECT_EQ(reserved.error().code, Errc::unavailable) << limit;
    }
}

TEST(AwsLambdaObservations, ThatMakeNoSenseAreNoneAtAll) {
    const auto told = [](const std::string& throttled, const std::string& answered) {
        test::ScriptedLambda lambda;
        lambda.answers(200, R"({"next":"h.3","more":false,"missed":0,"throttled":[)" + throttled + R"(],"answered":[)" + answered + "]}");
        return lambda.adapter().observe("h.1").has_value();
    };
    const auto refused = [](const char* at, const char* limit) {
        return std::string(R"({"function":"orders","at_us":)") + at + R"(,"limit":)" + limit + "}";
    };
    const auto answered = [](const char* hash) {
        return std::string(R"({"function":"orders","at_us":7,"id":"i-1","version":"1 r","input":"ff","output":")") + hash + R"("})";
    };
    EXPECT_TRUE(told(refused("5", "1"), answered("8000000000000001")));
    for (const char* limit : {"-1", "4294967296"}) EXPECT_FALSE(told(refused("5", limit), "")) << limit;
    for (const char* at : {"9223372036854775807", "-9223372036854775808", "18446744073709551615"})
        EXPECT_FALSE(told(refused(at, "1"), "")) << at;
    for (const char* hash : {"", "xyz", "12 ", "10000000000000000"}) EXPECT_FALSE(told("", answered(hash))) << hash;
}

TEST(AwsLambdaObservations, AreNotAskedOfLambdaItself) {
    test::ScriptedLambda lambda;
    auto adapter = lambda.adapter({.endpoint = "https://lambda.eu-west-1.amazonaws.com", .region = "eu-west-1"});
    EXPECT_EQ(adapter.observe("").error().code, Errc::unsupported);
    EXPECT_TRUE(lambda.requests.empty());
}

}  // namespace
}  // namespace autotune
