#include "host/sandbox/runtime_api.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace autotune::host {
namespace {

using Verdict = RuntimeApi::Verdict;
using State = RuntimeApi::State;

constexpr std::string_view kBase = "/2018-06-01/runtime/";

RuntimeTarget get(std::string_view path) {
    return parse_runtime_target("GET", std::string(kBase) + std::string(path));
}
RuntimeTarget post(std::string_view path) {
    return parse_runtime_target("POST", std::string(kBase) + std::string(path));
}

RuntimeApi invoking(const std::string& id) {
    RuntimeApi api;
    (void)api.receive(get("invocation/next"));
    api.dispatch(id);
    return api;
}

TEST(RuntimeTarget, KnowsTheFourCalls) {
    EXPECT_EQ(get("invocation/next").call, RuntimeCall::next);
    EXPECT_EQ(post("invocation/a-1/response").call, RuntimeCall::response);
    EXPECT_EQ(post("invocation/a-1/response").request_id, "a-1");
    EXPECT_EQ(post("invocation/a-1/error").call, RuntimeCall::error);
    EXPECT_EQ(post("init/error").call, RuntimeCall::init_error);
    EXPECT_EQ(get("invocation/next?x=1").call, RuntimeCall::next);
}

TEST(RuntimeTarget, RefusesWhatIsNoCall) {
    for (const auto* path :
         {"", "invocation", "invocation//response", "invocation/a/b/response", "invocation/a", "init"}) {
        EXPECT_EQ(post(path).call, RuntimeCall::unknown) << path;
    }
    EXPECT_EQ(parse_runtime_target("GET", "/2020-01-01/extension/register").call, RuntimeCall::unknown);
    EXPECT_EQ(post("invocation/next").call, RuntimeCall::wrong_method);
    EXPECT_EQ(get("invocation/a/response").call, RuntimeCall::wrong_method);
}

TEST(RuntimeApi, ServesOneInvocationAfterTheOther) {
    RuntimeApi api;
    for (const std::string id : {"one", "two"}) {
        EXPECT_EQ(api.receive(get("invocation/next")), Verdict::accepted);
        EXPECT_EQ(api.state(), State::ready);
        api.dispatch(id);
        EXPECT_EQ(api.receive(post("invocation/" + id + "/response")), Verdict::accepted);
        EXPECT_EQ(api.state(), State::responded);
    }
}

TEST(RuntimeApi, AnErrorIsAnAnswerToo) {
    RuntimeApi api = invoking("one");
    EXPECT_EQ(api.receive(post("invocation/one/error")), Verdict::accepted);
    EXPECT_EQ(api.receive(get("invocation/next")), Verdict::accepted);
}

TEST(RuntimeApi, AnswersToAnotherInvocationAreRefused) {
    RuntimeApi api = invoking("one");
    EXPECT_EQ(api.receive(post("invocation/two/response")), Verdict::invalid_request_id);
    EXPECT_EQ(api.state(), State::invoking);
    EXPECT_EQ(RuntimeApi().receive(post("invocation/one/response")), Verdict::invalid_request_id);
}

TEST(RuntimeApi, ASecondAnswerIsRefused) {
    RuntimeApi api = invoking("one");
    (void)api.receive(post("invocation/one/response"));
    EXPECT_EQ(api.receive(post("invocation/one/response")), Verdict::invalid_transition);
    EXPECT_EQ(api.receive(post("invocation/one/error")), Verdict::invalid_transition);
}

TEST(RuntimeApi, AskingForWorkWhileOwingAnAnswerIsRefused) {
    RuntimeApi api = invoking("one");
    EXPECT_EQ(api.receive(get("invocation/next")), Verdict::invalid_transition);
    EXPECT_EQ(api.state(), State::invoking);
}

TEST(RuntimeApi, InitErrorsComeBeforeTheFirstQuestionOnly) {
    RuntimeApi api;
    EXPECT_EQ(api.receive(post("init/error")), Verdict::accepted);
    EXPECT_EQ(api.state(), State::failed);
    EXPECT_EQ(api.receive(get("invocation/next")), Verdict::invalid_transition);
    EXPECT_EQ(invoking("one").receive(post("init/error")), Verdict::invalid_transition);
}

TEST(RuntimeApi, AQuestionWhoseConnectionBrokeMayBeAskedAgain) {
    RuntimeApi api;
    (void)api.receive(get("invocation/next"));
    api.forget_next();
    EXPECT_EQ(api.state(), State::initializing);
    EXPECT_EQ(api.receive(get("invocation/next")), Verdict::accepted);
}

TEST(RuntimeAnswer, SaysWhatLambdaSays) {
    EXPECT_EQ(runtime_answer(Verdict::accepted).status, 202);
    EXPECT_EQ(runtime_answer(Verdict::accepted).body, R"({"status":"OK"})");
    EXPECT_EQ(runtime_answer(Verdict::invalid_request_id).status, 400);
    EXPECT_THAT(runtime_answer(Verdict::invalid_request_id).body, testing::HasSubstr("\"InvalidRequestID\""));
    EXPECT_EQ(runtime_answer(Verdict::invalid_transition).status, 403);
    EXPECT_THAT(runtime_answer(Verdict::invalid_transition).body,
                testing::HasSubstr("\"InvalidStateTransition\""));
    EXPECT_EQ(runtime_answer(Verdict::unknown_path).status, 404);
    EXPECT_EQ(too_large_answer().status, 413);
}

TEST(NextAnswer, PutsLambdasFieldsFirstBecauseTracersReadTheHeadOffTheWire) {
    const net::HttpResponse answer = next_answer({.request_id = "id",
                                                  .invoked_arn = "arn",
                                                  .trace_id = "trace",
                                                  .client_context = "{}",
                                                  .deadline_ms = 1234,
                                                  .payload = "[1]"});
    std::vector<std::pair<std::string, std::string>> fields(answer.headers.begin(), answer.headers.end());
    EXPECT_THAT(fields, testing::ElementsAre(testing::Pair("Lambda-Runtime-Aws-Request-Id", "id"),
                                             testing::Pair("Lambda-Runtime-Deadline-Ms", "1234"),
                                             testing::Pair("Lambda-Runtime-Invoked-Function-Arn", "arn"),
                                             testing::Pair("Lambda-Runtime-Trace-Id", "trace"),
                                             testing::Pair("Lambda-Runtime-Client-Context", "{}"),
                                             testing::Pair("Content-Type", "application/json")));
    EXPECT_EQ(answer.body, "[1]");
}

TEST(NextAnswer, SaysOfAHeldInvocationHowMuchTimeItHas) {
    const net::HttpResponse held =
        next_answer({.deadline_ms = 1'000'000, .held_left = std::chrono::microseconds(2'000'100)});
    EXPECT_EQ(held.headers.get("Autotune-Held"), "2001");
    EXPECT_FALSE(next_answer({.deadline_ms = 1'000'000}).headers.contains("Autotune-Held"));
}

}  // namespace
}  // namespace autotune::host
