// What OpenWhisk's requests say, and what requests to plain servers are called.
#include "agent/bpf/openwhisk.hpp"

#include <gtest/gtest.h>

#include <string>

#include "agent/bpf/server_name.hpp"

namespace autotune {
namespace {

TEST(ActionRun, IsReadInAnyOrder) {
    const auto run = parse_action_run(
        R"( { "deadline" : 1700000000123 , "activation_id":"abc","value":{"a":[1,{"activation_id":"no"}],"b":"}\""},)"
        R"("action_name":"/guest/pkg/hello","action_version":"0.0.2","transaction_id":"t-1"} )");
    ASSERT_TRUE(run);
    EXPECT_EQ(run->activation_id, "abc");
    EXPECT_EQ(run->action, "guest/pkg/hello");
    EXPECT_EQ(run->version, "0.0.2");
    EXPECT_EQ(run->transaction_id, "t-1");
    EXPECT_EQ(run->deadline_ms, 1'700'000'000'123u);
}

TEST(ActionRun, TakesTheDeadlineAsATextToo) {
    EXPECT_EQ(parse_action_run(R"({"action_name":"a","deadline":"42"})")->deadline_ms, 42u);
    EXPECT_EQ(parse_action_run(R"({"action_name":"a","deadline":-1})")->deadline_ms, 0u);
    EXPECT_EQ(parse_action_run(R"({"action_name":"a","deadline":99999999999999})")->deadline_ms, 0u);
}

TEST(ActionRun, CutAnywhereSaysWhatIsThereOrNothing) {
    const std::string whole = R"({"action_name":"/g/a","value":{"x":"y"},"activation_id":"abc","deadline":5})";
    for (std::size_t n = 0; n < whole.size(); ++n) {
        const auto run = parse_action_run(std::string_view(whole).substr(0, n));
        EXPECT_EQ(run.has_value(), n >= whole.find(",\"value")) << n;
        if (run && n < whole.find(",\"deadline")) {
            EXPECT_EQ(run->deadline_ms, 0u) << n;
        }
    }
}

TEST(ActionRun, IsNoneWithoutAName) {
    EXPECT_FALSE(parse_action_run(""));
    EXPECT_FALSE(parse_action_run(R"({"value":{}})"));
    EXPECT_FALSE(parse_action_run(R"([1,2])"));
    EXPECT_FALSE(parse_action_run(R"({"activation_id":"with \" escapes"})"));
}

TEST(ActionInit, IsAValueWithCode) {
    EXPECT_EQ(parse_action_init(R"({"value":{"name":"hello","code":"x","binary":false,"main":"main"}})"), "hello");
    EXPECT_EQ(parse_action_init(R"({"value":{"code":"x"}})"), "");
    EXPECT_EQ(parse_action_init(R"({"value":{"name":"hello","code":"long and cut)"), "hello");
    EXPECT_FALSE(parse_action_init(R"({"value":{"name":"x"}})"));
    EXPECT_FALSE(parse_action_init(R"({"name":"x","code":"y"})"));
}

TEST(RouteName, PutsOneNameForAllIdentifiers) {
    EXPECT_EQ(route_name("GET", "/"), "GET /");
    EXPECT_EQ(route_name("GET", "/users/42/posts"), "GET /users/{}/posts");
    EXPECT_EQ(route_name("PUT", "/o/8476a536-e9f4-11e8-9739-2dfe598c3fcd"), "PUT /o/{}");
    EXPECT_EQ(route_name("GET", "/deadbeef1"), "GET /{}");
    EXPECT_EQ(route_name("GET", "/facade"), "GET /facade");
    EXPECT_EQ(route_name("GET", "/decadeface"), "GET /decadeface");
    EXPECT_EQ(route_name("OPTIONS", "*"), "OPTIONS *");
    EXPECT_EQ(route_name("GET", "/a/b/c/d/e/f/g/h"), "GET /a/b/c/d/e/f/…");
    EXPECT_EQ(route_name("GET", "/" + std::string(500, 'x')), "GET /…");
}

TEST(ServiceName, IsKnativesThenTheFrameworks) {
    using namespace std::string_literals;
    EXPECT_EQ(parse_service_name("A=b\0K_SERVICE=orders\0K_REVISION=orders-1\0FUNCTION_TARGET=main\0"s).function,
              "orders");
    EXPECT_EQ(parse_service_name("FUNCTION_TARGET=main\0K_REVISION=r"s).function, "main");
    EXPECT_EQ(parse_service_name("A=b"s).function, "");
}

}  // namespace
}  // namespace autotune
