// What became of calls: the log, and the operation that tells of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "host/control/call_log.hpp"
#include "tests/host/control/api_fixture.hpp"

namespace autotune::host {
namespace {

using nlohmann::json;
using Kind = InvokeResult::Kind;

LoggedCall refused(std::string function) {
    LoggedCall call;
    call.function = std::move(function);
    call.throttled = true;
    return call;
}

TEST(CallLog, TellsWhatCameSinceTheLastAnswer) {
    CallLog log;
    log.add(refused("before"));
    const std::string start = log.after("")->next;
    EXPECT_TRUE(log.after("")->calls.empty()) << "only where to go on";
    log.add(refused("a"));
    log.add(refused("b"));
    const auto page = log.after(start);
    ASSERT_EQ(page->calls.size(), 2u);
    EXPECT_EQ(page->calls[0]->function, "a");
    EXPECT_FALSE(page->more);
    EXPECT_TRUE(log.after(page->next)->calls.empty());
    EXPECT_EQ(log.after("oldest")->calls.size(), 3u);
    EXPECT_EQ(log.after("oldest")->missed, 0u);
    EXPECT_TRUE(CallLog().after("oldest")->calls.empty());
    EXPECT_FALSE(log.after("nonsense"));
    EXPECT_FALSE(log.after(start + "x"));
}

TEST(CallLog, OfAHostThatWasStartedAnewTellsAllSinceItsStart) {
    CallLog old, log;
    for (int i = 0; i < 9; ++i) old.add(refused("before"));
    const std::string start = old.after("")->next;
    EXPECT_TRUE(log.after(start)->calls.empty());
    log.add(refused("a"));
    const auto page = log.after(start);
    ASSERT_EQ(page->calls.size(), 1u);
    EXPECT_EQ(page->calls[0]->function, "a");
    EXPECT_EQ(page->missed, 0u);
    EXPECT_TRUE(log.after(page->next)->calls.empty());
    for (std::size_t i = 0; i < CallLog::kMost + 4; ++i) log.add(refused("a"));
    EXPECT_EQ(log.after(start)->missed, 5u);
}

TEST(CallLog, IsReadInPagesAndCountsWhatWasForgotten) {
    CallLog log;
    std::string cursor = log.after("")->next;
    for (std::size_t i = 0; i < CallLog::kMost + 7; ++i) log.add(refused("a"));
    std::size_t seen = 0, missed = 0;
    for (bool more = true; more;) {
        const auto page = log.after(cursor);
        ASSERT_LE(page->calls.size(), CallLog::kPage);
        seen += page->calls.size();
        missed += page->missed;
        cursor = page->next;
        more = page->more;
    }
    EXPECT_EQ(seen, CallLog::kMost);
    EXPECT_EQ(missed, 7u);
}

TEST(CallLog, HashesAreOfThisLogAndOfBothParts) {
    CallLog log, other;
    EXPECT_EQ(log.hash("input", "context"), log.hash("input", "context"));
    EXPECT_NE(log.hash("input", "context"), log.hash("inputc", "ontext"));
    EXPECT_NE(log.hash("input", ""), other.hash("input", "")) << "nobody can try out what it was";
}

class Observations : public ApiFixture {
protected:
    void SetUp() override {
        create_with_two_versions();
        start_ = send("GET", "/autotune/observations").json()["next"].get<std::string>();
    }
    json told() { return send("GET", "/autotune/observations?after=" + start_).json(); }
    void will(Kind kind, std::string payload) {
        on_loop([&] {
            invoker().template_result.payload = std::move(payload);
            invoker().answers.push_back(kind);
        });
    }
    std::string start_;
};

TEST_F(Observations, TellWhatWasRefusedAndByWhichLimit) {
    will(Kind::throttled, "");
    invoke("shop/invocations");
    ASSERT_EQ(send("PUT", "/2017-10-31/functions/shop/concurrency", json{{"ReservedConcurrentExecutions", 0}}).status, 200);
    invoke("shop/invocations");
    const json calls = told()["throttled"];
    ASSERT_EQ(calls.size(), 2u);
    EXPECT_EQ(calls[0]["function"], "shop");
    EXPECT_FALSE(calls[0].contains("limit")) << "the account's";
    EXPECT_EQ(calls[1]["limit"], 0);
}

TEST_F(Observations, TellInputsAndOutputsByHashesOnly) {
    for (const char* answer : {"\"one\"", "\"one\"", "\"two\""}) {
        will(Kind::ok, answer);
        invoke("shop/invocations", R"({"secret":"swordfish"})");
    }
    will(Kind::function_error, "{}");
    invoke("shop/invocations", R"({"secret":"swordfish"})");
    const json body = told(), calls = body["answered"];
    ASSERT_EQ(calls.size(), 3u) << "not what failed";
    EXPECT_EQ(body.dump().find("swordfish"), std::string::npos);
    EXPECT_EQ(calls[0]["input"], calls[2]["input"]);
    EXPECT_EQ(calls[0]["output"], calls[1]["output"]);
    EXPECT_NE(calls[1]["output"], calls[2]["output"]);
    EXPECT_EQ(calls[0]["version"], calls[1]["version"]);
    ASSERT_EQ(send("PUT", functions + "/shop/configuration", json{{"Timeout", 9}}).status, 200);
    will(Kind::ok, "\"three\"");
    invoke("shop/invocations", R"({"secret":"swordfish"})");
    EXPECT_NE(told()["answered"][3]["version"], calls[0]["version"]) << "another $LATEST";
}

TEST_F(Observations, AreRefusedFromNowhere) {
    EXPECT_EQ(send("GET", "/autotune/observations?after=nonsense").status, 400);
}

}  // namespace
}  // namespace autotune::host
