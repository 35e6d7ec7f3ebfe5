// What goes wrong between the adapter and Lambda, and where the adapter's options come from.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "net/http_client.hpp"
#include "providers/aws_lambda.hpp"
#include "providers/base64.hpp"
#include "scripted_lambda.hpp"
#include "tests/net/running_server.hpp"

namespace autotune {
namespace {

using test::ScriptedLambda;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

const FunctionRef kOrders{"aws-lambda", "orders"};

Error error_of(int status, const std::string& body = "", net::Headers headers = {}) {
    ScriptedLambda lambda;
    lambda.answers(status, body, std::move(headers));
    return lambda.adapter().publish(kOrders, "r").error();
}

TEST(AwsLambdaErrors, MapStatusesToKinds) {
    EXPECT_EQ(error_of(400).code, Errc::invalid_argument);
    EXPECT_EQ(error_of(401).code, Errc::permission_denied);
    EXPECT_EQ(error_of(403).code, Errc::permission_denied);
    EXPECT_EQ(error_of(404).code, Errc::not_found);
    EXPECT_EQ(error_of(408).code, Errc::timed_out);
    EXPECT_EQ(error_of(409).code, Errc::conflict);
    EXPECT_EQ(error_of(412).code, Errc::conflict);
    EXPECT_EQ(error_of(413).code, Errc::invalid_argument);
    EXPECT_EQ(error_of(500).code, Errc::unavailable);
    EXPECT_EQ(error_of(503).code, Errc::unavailable);
    EXPECT_EQ(error_of(302).code, Errc::unavailable);
}

TEST(AwsLambdaErrors, SayWhatLambdaSaid) {
    EXPECT_EQ(
        error_of(412, R"({"Type":"User","message":"The RevisionId provided does not match"})",
                 {{"x-amzn-errortype", "PreconditionFailedException:http://x"}})
            .message,
        "publishing orders: HTTP 412 PreconditionFailedException: The RevisionId provided does not match");
    EXPECT_EQ(error_of(404, R"({"Message":"no such function"})").message,
              "publishing orders: HTTP 404: no such function");
    EXPECT_EQ(error_of(502, "<html>").message, "publishing orders: HTTP 502");
}

TEST(AwsLambdaErrors, TakeAnAnswerThatIsNestedWithoutEndForNoAnswer) {
    constexpr int kDeep = 1'000'000;
    for (const auto& [open, close] : {std::pair("[", "]"), std::pair("{\"a\":", "}")}) {
        std::string nested;
        for (int i = 0; i < kDeep; ++i) nested += open;
        nested += "1";
        for (int i = 0; i < kDeep; ++i) nested += close;
        ScriptedLambda lambda;
        lambda.answers(200, R"({"FunctionName":"orders","MemorySize":128,"VpcConfig":)" + nested + "}");
        const auto published = lambda.adapter().publish(kOrders, "r");
        ASSERT_FALSE(published.has_value());
        EXPECT_EQ(published.error().code, Errc::unavailable);
        EXPECT_THAT(published.error().message, HasSubstr("nested more than"));
    }
}

TEST(AwsLambdaErrors, AListWhosePagesGoRoundEnds) {
    const auto page = [](const std::string& next) { return R"({"Functions":[{"FunctionName":"f"}],"NextMarker":")" + next + R"("})"; };
    ScriptedLambda lambda;
    for (const char* next : {"a", "b", "a"}) lambda.answers(200, page(next));
    const auto listed = lambda.adapter().list();
    ASSERT_FALSE(listed.has_value());
    EXPECT_EQ(listed.error().message, "listing the functions: the list goes round, it does not end");
    EXPECT_TRUE(lambda.over());
}

TEST(AwsLambdaErrors, TakeATimeLimitThatIsNoNumberOfSecondsForNoAnswer) {
    for (const char* limit : {"1e300", "-1", "2.5", "4000000000"}) {
        ScriptedLambda lambda;
        lambda.answers(200, R"({"FunctionName":"orders","MemorySize":128,"Timeout":)" + std::string(limit) + "}");
        const auto published = lambda.adapter().publish(kOrders, "r");
        ASSERT_FALSE(published.has_value()) << limit;
        EXPECT_EQ(published.error().code, Errc::unavailable) << limit;
    }
}

TEST(AwsLambdaErrors, TakeHalfAnAnswerForNoAnswer) {
    for (const char* body :
         {"", "{", "[]", R"({"FunctionName":"orders"})", R"({"FunctionName":1,"MemorySize":"x"})"}) {
        ScriptedLambda lambda;
        lambda.answers(200, body);
        const auto published = lambda.adapter().publish(kOrders, "r");
        ASSERT_FALSE(published) << body;
        EXPECT_EQ(published.error().code, Errc::unavailable) << body;
    }
}

TEST(AwsLambdaErrors, PassOnWhatTheNetworkSays) {
    ScriptedLambda lambda;
    lambda.fails(Errc::timed_out, "no answer after the request was sent");
    const auto published = lambda.adapter().publish(kOrders, "r");
    EXPECT_EQ(published.error().code, Errc::timed_out);
    EXPECT_EQ(published.error().message, "publishing orders: no answer after the request was sent");
    EXPECT_THAT(lambda.requests, SizeIs(1));
}

TEST(AwsLambdaErrors, WhoGaveUpSendsNothingMore) {
    const test::FakeClock clock;
    std::atomic<bool> stopped = true;
    AwsLambda lambda({.endpoint = "http://127.0.0.1:1", .give_up = [&] { return stopped.load(); }}, clock);
    const auto state = lambda.get(kOrders);
    ASSERT_FALSE(state);
    EXPECT_EQ(state.error().code, Errc::unavailable);
    EXPECT_THAT(state.error().message, HasSubstr("given up before anything was sent"));
    stopped = false;
    EXPECT_THAT(lambda.get(kOrders).error().message, Not(HasSubstr("given up")));
}

// Not as one that is throttled: that may pass.
TEST(AwsLambdaErrors, CodeThatIsTooLargeIsNotAskedForAgain) {
    net::RunningServer server([](net::HttpRequest, net::Responder r) {
        r.send({.status = 200, .headers = {}, .body = std::string(net::HttpClientOptions{}.response_limit + 1, 'x')});
    });
    ScriptedLambda lambda;
    lambda.answers(200, R"({"Configuration":{"FunctionName":"orders","MemorySize":128},"Code":{"Location":")" + server.base() + R"(/code"}})");
    const auto package = lambda.adapter().package(kOrders, "1");
    ASSERT_FALSE(package);
    EXPECT_EQ(package.error().code, Errc::unsupported);
    EXPECT_THAT(package.error().message, HasSubstr("larger than"));
}

TEST(Throttling, IsWaitedOutForAShortWhile) {
    ScriptedLambda lambda;
    lambda.answers(429, "", {{"Retry-After", "1"}});
    lambda.answers(204, "");
    EXPECT_TRUE(lambda.adapter().remove(kOrders));
    ASSERT_THAT(lambda.waits, SizeIs(1));
    EXPECT_EQ(lambda.waits[0], std::chrono::seconds(1));
}

TEST(Throttling, IsToldAfterAFewAttempts) {
    ScriptedLambda lambda;
    for (int i = 0; i < 9; ++i)
        lambda.answers(429, R"({"Reason":"CallerRateLimitExceeded","message":"Rate exceeded"})");
    const auto removed = lambda.adapter().remove(kOrders);
    ASSERT_FALSE(removed);
    EXPECT_EQ(removed.error().code, Errc::resource_exhausted);
    EXPECT_THAT(removed.error().message, HasSubstr("Rate exceeded"));
    EXPECT_THAT(lambda.requests, SizeIs(4));
    Nanos waited{0};
    for (const Nanos w : lambda.waits) waited += w;
    EXPECT_LE(waited, std::chrono::seconds(2));
}

TEST(Throttling, IsToldAtOnceWhenTheWaitWouldBeLong) {
    ScriptedLambda lambda;
    lambda.answers(429, "", {{"Retry-After", "30"}});
    EXPECT_EQ(lambda.adapter().remove(kOrders).error().code, Errc::resource_exhausted);
    EXPECT_THAT(lambda.waits, IsEmpty());
}

TEST(Throttling, OfAnInvocationIsAnAnswer) {
    ScriptedLambda lambda;
    lambda.answers(429, "");
    EXPECT_EQ(lambda.adapter().invoke(kOrders, "", "{}").error().code, Errc::resource_exhausted);
    EXPECT_THAT(lambda.requests, SizeIs(1));
    EXPECT_THAT(lambda.waits, IsEmpty());
}

TEST(Signing, HappensWithKeysOnly) {
    ScriptedLambda lambda;
    lambda.answers(204, "").answers(204, "");
    EXPECT_TRUE(lambda.adapter().remove(kOrders));
    EXPECT_TRUE(lambda
                    .adapter({.endpoint = "https://lambda.eu-west-1.amazonaws.com",
                              .region = "eu-west-1",
                              .access_key = "AKIDEXAMPLE",
                              .secret_key = "the-secret",
                              .session_token = "the-token"})
                    .remove(kOrders));
    EXPECT_FALSE(lambda.requests[0].headers.contains("Authorization"));
    const net::Headers& sent = lambda.requests[1].headers;
    EXPECT_THAT(std::string(sent.get("Authorization")), HasSubstr("/eu-west-1/lambda/aws4_request"));
    EXPECT_EQ(sent.get("Host"), "lambda.eu-west-1.amazonaws.com");
    EXPECT_EQ(sent.get("X-Amz-Security-Token"), "the-token");
}

TEST(Signing, NamesThePortThatIsNotTheSchemes) {
    ScriptedLambda lambda;
    lambda.answers(204, "");
    EXPECT_TRUE(lambda.adapter({.endpoint = "http://127.0.0.1:9000", .access_key = "a", .secret_key = "b"})
                    .remove(kOrders));
    EXPECT_EQ(lambda.requests[0].headers.get("Host"), "127.0.0.1:9000");
}

Result<AwsLambdaOptions> options(std::map<std::string, std::string> environment) {
    return options_from([&](const char* name) {
        const auto at = environment.find(name);
        return at == environment.end() ? nullptr : at->second.c_str();
    });
}

TEST(Options, PreferTheServicesOwnEndpoint) {
    EXPECT_EQ(
        options({{"AWS_ENDPOINT_URL", "http://a:1"}, {"AWS_ENDPOINT_URL_LAMBDA", "http://b:2"}})->endpoint,
        "http://b:2");
    EXPECT_EQ(options({{"AWS_ENDPOINT_URL", "http://a:1"}, {"AWS_ENDPOINT_URL_LAMBDA", ""}})->endpoint,
              "http://a:1");
}

TEST(Options, NeedNoKeysForAnEndpointOfOnesOwn) {
    const auto o = options({{"AWS_ENDPOINT_URL", "http://127.0.0.1:9000"}});
    ASSERT_TRUE(o) << o.error().message;
    EXPECT_EQ(o->access_key, "");
    EXPECT_EQ(o->region, "us-east-1");
}

TEST(Options, FindAwsByRegion) {
    const auto o = options({{"AWS_DEFAULT_REGION", "eu-north-1"},
                            {"AWS_ACCESS_KEY_ID", "id"},
                            {"AWS_SECRET_ACCESS_KEY", "secret"},
                            {"AWS_SESSION_TOKEN", "token"},
                            {"AUTOTUNE_LAMBDA_ROLE", "role"}});
    ASSERT_TRUE(o) << o.error().message;
    EXPECT_EQ(o->endpoint, "https://lambda.eu-north-1.amazonaws.com");
    EXPECT_EQ(o->region, "eu-north-1");
    EXPECT_EQ(o->access_key, "id");
    EXPECT_EQ(o->secret_key, "secret");
    EXPECT_EQ(o->session_token, "token");
    EXPECT_EQ(o->role, "role");
}

TEST(Options, SayWhatIsMissingAndNoSecret) {
    EXPECT_THAT(options({}).error().message, HasSubstr("AWS_REGION"));
    EXPECT_THAT(options({{"AWS_REGION", "x"}}).error().message, HasSubstr("AWS_ACCESS_KEY_ID"));
    const auto half = options({{"AWS_REGION", "x"}, {"AWS_SECRET_ACCESS_KEY", "hush"}});
    EXPECT_EQ(half.error().code, Errc::invalid_argument);
    EXPECT_THAT(half.error().message, Not(HasSubstr("hush")));
    EXPECT_FALSE(options({{"AWS_ENDPOINT_URL", "not a url"}}));
}

TEST(Base64, AgreesWithTheRfc) {
    // RFC 4648, section 10.
    for (const auto& [plain, coded] : std::map<std::string, std::string>{{"", ""},
                                                                         {"f", "Zg=="},
                                                                         {"fo", "Zm8="},
                                                                         {"foo", "Zm9v"},
                                                                         {"foob", "Zm9vYg=="},
                                                                         {"fooba", "Zm9vYmE="},
                                                                         {"foobar", "Zm9vYmFy"}}) {
        EXPECT_EQ(to_base64(plain), coded);
        EXPECT_EQ(from_base64(coded), plain);
    }
    for (const char* none : {"Zg", "Z!==", "====", "Zg==Zg=="}) EXPECT_NE(from_base64(none), "f") << none;
    EXPECT_EQ(from_base64("Z!=="), std::nullopt);
    EXPECT_EQ(from_base64("Zg"), std::nullopt);
}

}  // namespace
}  // namespace autotune
