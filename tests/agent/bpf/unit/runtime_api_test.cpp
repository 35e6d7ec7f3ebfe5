#include "agent/bpf/runtime_api.hpp"

#include <gtest/gtest.h>

#include <string>

namespace autotune {
namespace {

std::string answer_with(const std::string& headers) {
    return "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: abc-1\r\n" + headers + "\r\n";
}

TEST(RuntimeRequest, IsReadFromItsHead) {
    EXPECT_EQ(parse_runtime_request("GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\n\r\n")->kind,
              RuntimeRequestKind::next);
    const auto response = parse_runtime_request(
        "POST /2018-06-01/runtime/invocation/abc-1/response HTTP/1.1\r\nContent-Length: 12\r\n\r\n");
    EXPECT_EQ(response->kind, RuntimeRequestKind::response);
    EXPECT_EQ(response->id.view(), "abc-1");
    EXPECT_EQ(response->content_length, 12u);
    const auto error = parse_runtime_request(
        "POST /2018-06-01/runtime/invocation/abc-1/error HTTP/1.1\r\n"
        "lambda-runtime-function-error-type: Runtime.X\r\n\r\n");
    EXPECT_EQ(error->kind, RuntimeRequestKind::error);
    EXPECT_EQ(error->error_type, "Runtime.X");
    EXPECT_EQ(parse_runtime_request("POST /2018-06-01/runtime/init/error HTTP/1.1\r\n\r\n")->kind,
              RuntimeRequestKind::init_error);
}

TEST(RuntimeRequest, OfAnotherKindIsOther) {
    for (const char* path : {"invocation/next", "invocation/abc", "invocation/abc/else", "restore/error"})
        EXPECT_EQ(parse_runtime_request(std::string("POST /2018-06-01/runtime/") + path + " HTTP/1.1\r\n\r\n")
                      ->kind,
                  RuntimeRequestKind::other)
            << path;
    EXPECT_FALSE(parse_runtime_request("GET /2020-01-01/extension/event/next HTTP/1.1\r\n\r\n"));
    EXPECT_FALSE(parse_runtime_request(""));
}

TEST(RuntimeAnswer, BringsTheInvocation) {
    const std::string head = answer_with(
        "Lambda-Runtime-Deadline-Ms: 1732155327123\r\n"
        "Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:eu-west-1:123456789012:function:orders:live\r\n"
        "Lambda-Runtime-Trace-Id: Root=1-2\r\nContent-Length: 300\r\n");
    const auto answer = parse_runtime_answer(head);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->id.view(), "abc-1");
    EXPECT_EQ(answer->function, "orders");
    EXPECT_EQ(answer->qualifier, "live");
    EXPECT_EQ(answer->trace_id, "Root=1-2");
    EXPECT_EQ(answer->deadline_ms, 1732155327123u);
    EXPECT_EQ(answer->content_length, 300u);
}

TEST(RuntimeAnswer, SaysThatItIsHeldAndHowMuchTimeItHas) {
    EXPECT_EQ(parse_runtime_answer(answer_with("Autotune-Held: 3000\r\n"))->held_ms, 3000u);
    EXPECT_EQ(parse_runtime_answer(answer_with("Autotune-Held: 18446744073709551615\r\n"))->held_ms, 0u);
    EXPECT_FALSE(parse_runtime_answer(answer_with("Content-Length: 3\r\n"))->held_ms);
}

TEST(RuntimeAnswer, MayLackAllButTheId) {
    const std::string head = answer_with("Lambda-Runtime-Invoked-Function-Arn: nonsense\r\n");
    const auto answer = parse_runtime_answer(head);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->function, "");
    EXPECT_EQ(answer->qualifier, "");
    EXPECT_EQ(answer->deadline_ms, 0u);
}

TEST(RuntimeAnswer, WithAnAbsurdDeadlineHasNone) {
    const std::string head = answer_with("Lambda-Runtime-Deadline-Ms: 18446744073709551615\r\n");
    EXPECT_EQ(parse_runtime_answer(head)->deadline_ms, 0u);
}

TEST(RuntimeAnswer, IsNoneWithoutAnIdOrWithAnotherStatus) {
    EXPECT_FALSE(parse_runtime_answer("HTTP/1.1 200 OK\r\n\r\n"));
    EXPECT_FALSE(parse_runtime_answer("HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: \r\n\r\n"));
    EXPECT_FALSE(parse_runtime_answer("HTTP/1.1 500 No\r\nLambda-Runtime-Aws-Request-Id: abc\r\n\r\n"));
}

}  // namespace
}  // namespace autotune
