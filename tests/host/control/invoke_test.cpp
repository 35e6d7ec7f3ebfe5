// Invoke as its callers see it.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <future>

#include "os/fd.hpp"
#include "tests/host/control/api_fixture.hpp"

namespace autotune::host {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::StartsWith;
using Kind = InvokeResult::Kind;

class Invoking : public ApiFixture {
protected:
    void SetUp() override {
        create_with_two_versions();
        ASSERT_EQ(send("POST", functions + "/shop/aliases", json{{"Name", "live"}, {"FunctionVersion", "1"}})
                      .status,
                  201);
    }
    // Each invocation is answered so, at once.
    void will(Kind kind, std::string payload, int times = 1) {
        on_loop([&] {
            invoker().template_result.payload = std::move(payload);
            invoker().template_result.log_tail = "START\nREPORT\n";
            for (int i = 0; i < times; ++i) invoker().answers.push_back(kind);
        });
    }
    InvokeRequest last_asked() {
        InvokeRequest last;
        on_loop([&] {
            if (!invoker().asked.empty()) last = invoker().asked.back();
        });
        return last;
    }
};

TEST_F(Invoking, GivesTheFunctionsAnswer) {
    will(Kind::ok, R"({"total":7})");
    const auto answer = invoke("shop/invocations", R"({"items":[1]})");
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, R"({"total":7})");
    EXPECT_EQ(answer.headers.get("X-Amz-Executed-Version"), "$LATEST");
    EXPECT_FALSE(answer.headers.contains("X-Amz-Function-Error"));
    EXPECT_FALSE(answer.headers.contains("X-Amz-Log-Result"));
    const auto asked = last_asked();
    EXPECT_EQ(asked.payload, R"({"items":[1]})");
    EXPECT_EQ(asked.request_id, answer.headers.get("X-Amzn-RequestId"));
    EXPECT_EQ(asked.invoked_arn, "arn:aws:lambda:us-east-1:000000000000:function:shop");
    EXPECT_THAT(asked.trace_id, MatchesRegex("Root=1-[0-9a-f]{8}-[0-9a-f]{24};Sampled=0"));
}

TEST_F(Invoking, OfAnAliasRunsItsVersion) {
    will(Kind::ok, "1", 2);
    const auto answer = invoke("shop/invocations?Qualifier=live");
    EXPECT_EQ(answer.headers.get("X-Amz-Executed-Version"), "1");
    const auto asked = last_asked();
    EXPECT_EQ(asked.function->version, "1");
    EXPECT_EQ(asked.function->memory_mb, 128u);
    EXPECT_EQ(asked.invoked_arn, "arn:aws:lambda:us-east-1:000000000000:function:shop:live");
    EXPECT_EQ(invoke("shop:2/invocations").headers.get("X-Amz-Executed-Version"), "2");
}

TEST_F(Invoking, OfASplitAliasRunsBothVersionsByTheirWeights) {
    const json half{{"RoutingConfig", {{"AdditionalVersionWeights", {{"2", 0.5}}}}}};
    ASSERT_EQ(send("PUT", functions + "/shop/aliases/live", half).status, 200);
    will(Kind::ok, "1", 100);
    int second = 0;
    for (int i = 0; i < 100; ++i)
        second +=
            invoke("shop/invocations?Qualifier=live").headers.get("X-Amz-Executed-Version") == "2" ? 1 : 0;
    EXPECT_GT(second, 20);
    EXPECT_LT(second, 80);
}

TEST_F(Invoking, TellsFunctionErrorsApart) {
    will(Kind::function_error, R"({"errorType":"Runtime.ExitError"})");
    const auto answer = invoke("shop/invocations");
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.headers.get("X-Amz-Function-Error"), "Unhandled");
    EXPECT_EQ(answer.body, R"({"errorType":"Runtime.ExitError"})");
}

TEST_F(Invoking, GivesTheLogsTailWhenAsked) {
    will(Kind::ok, "1");
    const auto answer = invoke("shop/invocations", "{}", {{"X-Amz-Log-Type", "Tail"}});
    EXPECT_EQ(*from_base64(answer.headers.get("X-Amz-Log-Result")), "START\nREPORT\n");
}

TEST_F(Invoking, PassesTraceAndClientContextOn) {
    will(Kind::ok, "1");
    invoke("shop/invocations", "{}",
           {{"X-Amzn-Trace-Id", "Root=1-a-b"}, {"X-Amz-Client-Context", to_base64(R"({"client":1})")}});
    EXPECT_EQ(last_asked().trace_id, "Root=1-a-b");
    EXPECT_EQ(last_asked().client_context, R"({"client":1})");
    EXPECT_THAT(invoke("shop/invocations", "{}", {{"X-Amz-Client-Context", "!"}}).fault(),
                StartsWith("400 InvalidRequestContentException: Client context"));
}

TEST_F(Invoking, WithoutAPayloadSendsAnEmptyObject) {
    will(Kind::ok, "1");
    EXPECT_EQ(invoke("shop/invocations", "").status, 200);
    EXPECT_EQ(last_asked().payload, "{}");
}

TEST_F(Invoking, AsADryRunChecksAndRunsNothing) {
    const net::Headers dry{{"X-Amz-Invocation-Type", "DryRun"}};
    EXPECT_EQ(invoke("shop/invocations", "{}", dry).status, 204);
    EXPECT_EQ(invoke("nope/invocations", "{}", dry).status, 404);
    EXPECT_EQ(last_asked().function, nullptr);
}

TEST_F(Invoking, AsAnEventIsAcceptedAndRunsAfterwards) {
    std::promise<void> ran;
    on_loop([&] {
        invoker().answers = {Kind::ok};
        invoker().when_asked = [&ran] { ran.set_value(); };
    });
    const auto answer = invoke("shop/invocations", R"({"n":1})", {{"X-Amz-Invocation-Type", "Event"}});
    EXPECT_EQ(answer.status, 202);
    EXPECT_EQ(answer.body, "");
    ran.get_future().wait();
    on_loop([&] { invoker().when_asked = nullptr; });
    const auto asked = last_asked();
    EXPECT_EQ(asked.payload, R"({"n":1})");
    EXPECT_EQ(asked.request_id, answer.headers.get("X-Amzn-RequestId"));
    EXPECT_NE(asked.trace_id, "");
    EXPECT_EQ(asked.trace_id, answer.headers.get("X-Amzn-Trace-Id"));
}

TEST_F(Invoking, RefusesWhatIsNotJson) {
    for (const auto* payload : {"{", "nope", "{'a':1}", "{} {}", "\xff"})
        EXPECT_THAT(
            invoke("shop/invocations", payload).fault(),
            StartsWith("400 InvalidRequestContentException: Could not parse request body into json: "))
            << payload;
    will(Kind::ok, "1", 3);
    for (const auto* payload : {"null", "7", "\"text\""})
        EXPECT_EQ(invoke("shop/invocations", payload).status, 200);
}

TEST_F(Invoking, RefusesPayloadsBeyondTheLimits) {
    will(Kind::ok, "1");
    const auto quoted = [](std::size_t bytes) { return "\"" + std::string(bytes - 2, 'x') + "\""; };
    EXPECT_EQ(invoke("shop/invocations", quoted(sync_payload_limit)).status, 200);
    EXPECT_EQ(invoke("shop/invocations", quoted(7 * 1024 * 1024)).fault(),
              "413 RequestTooLargeException: 7340032 byte payload is too large for the RequestResponse "
              "invocation type "
              "(limit 6291456 bytes)");
    EXPECT_THAT(
        invoke("shop/invocations", quoted(event_payload_limit + 1), {{"X-Amz-Invocation-Type", "Event"}})
            .fault(),
        HasSubstr("too large for the Event invocation type (limit 1048576 bytes)"));
    EXPECT_EQ(
        invoke("shop/invocations", quoted(event_payload_limit), {{"X-Amz-Invocation-Type", "Event"}}).status,
        202);
}

TEST_F(Invoking, RefusesUnknownTypesAndVersions) {
    EXPECT_THAT(invoke("shop/invocations", "{}", {{"X-Amz-Invocation-Type", "Sync"}}).fault(),
                HasSubstr("[Event, RequestResponse, DryRun]"));
    EXPECT_THAT(invoke("shop/invocations", "{}", {{"X-Amz-Log-Type", "All"}}).fault(),
                HasSubstr("[None, Tail]"));
    EXPECT_EQ(invoke("shop/invocations?Qualifier=9").fault(),
              "404 ResourceNotFoundException: Function not found: "
              "arn:aws:lambda:us-east-1:000000000000:function:shop:9");
}

TEST_F(Invoking, IsThrottledByTheReservationAndByTheHost) {
    will(Kind::throttled, "");
    EXPECT_EQ(invoke("shop/invocations").json()["Reason"], "ConcurrentInvocationLimitExceeded");
    ASSERT_EQ(send("PUT", "/2017-10-31/functions/shop/concurrency", json{{"ReservedConcurrentExecutions", 0}})
                  .status,
              200);
    const auto answer = invoke("shop/invocations");
    EXPECT_EQ(answer.fault(), "429 TooManyRequestsException: Rate Exceeded.");
    EXPECT_EQ(answer.json()["Reason"], "ReservedFunctionConcurrentInvocationLimitExceeded");
    EXPECT_EQ(answer.headers.get("Retry-After"), "1");
}

TEST_F(Invoking, SaysWhenTheHostFailed) {
    will(Kind::host_failure, "no space left on device");
    EXPECT_EQ(invoke("shop/invocations").fault(), "500 ServiceException: no space left on device");
}

TEST_F(Invoking, RetiresSandboxesOfAnOldLatest) {
    will(Kind::ok, "1", 2);
    invoke("shop/invocations");
    invoke("shop/invocations?Qualifier=live");
    ASSERT_EQ(send("PUT", functions + "/shop/configuration", json{{"Timeout", 9}}).status, 200);
    on_loop([&] { EXPECT_THAT(invoker().retired, testing::ElementsAre("shop:$LATEST")); });
}

TEST_F(Invoking, SurvivesARequestThatIsCutOff) {
    const Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port());
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    const std::string half =
        "POST /2015-03-31/functions/shop/invocations HTTP/1.1\r\nHost: x\r\nContent-Length: "
        "100\r\n\r\n{\"a\":";
    ASSERT_EQ(::send(socket.get(), half.data(), half.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(half.size()));
    ::shutdown(socket.get(), SHUT_WR);
    char byte = 0;
    while (::recv(socket.get(), &byte, 1, 0) > 0) {
    }
    EXPECT_EQ(last_asked().function, nullptr) << "half a payload is not run";
    will(Kind::ok, "1");
    EXPECT_EQ(invoke("shop/invocations").status, 200);
}

}  // namespace
}  // namespace autotune::host
