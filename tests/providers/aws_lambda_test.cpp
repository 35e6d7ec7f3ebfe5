#include "providers/aws_lambda.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "providers/tuning.hpp"
#include "scripted_lambda.hpp"

namespace autotune {
namespace {

using test::ScriptedLambda;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

const FunctionRef kOrders{"aws-lambda", "orders"};

std::string configuration(const std::string& version, int memory, const std::string& more = "") {
    return R"({"FunctionName":"orders","Version":")" + version + R"(","MemorySize":)" +
           std::to_string(memory) +
           R"(,"Timeout":3,"Runtime":"python3.11","Handler":"app.handler","CodeSha256":"abc","RevisionId":"r-)" +
           version + R"(","Environment":{"Variables":{"A":"b"}},"LastModified":")" + version + R"(")" + more +
           "}";
}

TEST(AwsLambda, ListsAllPages) {
    ScriptedLambda lambda;
    lambda.answers(200, R"({"Functions":[{"FunctionName":"b"}],"NextMarker":"m/1="})");
    lambda.answers(200, R"({"Functions":[{"FunctionName":"a"}],"NextMarker":null})");
    const auto found = lambda.adapter().list();
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_THAT(*found, ElementsAre(FunctionRef{"aws-lambda", "a"}, FunctionRef{"aws-lambda", "b"}));
    EXPECT_THAT(lambda.asked(), ElementsAre("GET /?MaxItems=50", "GET /?MaxItems=50&Marker=m%2F1%3D"));
}

TEST(AwsLambda, NoticesAListThatDoesNotEnd) {
    ScriptedLambda lambda;
    for (int i = 0; i < 2; ++i) lambda.answers(200, R"({"Functions":[],"NextMarker":"same"})");
    EXPECT_EQ(lambda.adapter().list().error().code, Errc::unavailable);
}

TEST(AwsLambda, ReadsAFunctionWithVersionsAliasesAndTags) {
    ScriptedLambda lambda;
    lambda.answers(200,
                   R"({"Configuration":)" + configuration("$LATEST", 256) + R"(,"Tags":{"tier":"prod"}})");
    lambda.answers(200, R"({"Versions":[)" + configuration("$LATEST", 256) + "," + configuration("10", 256) +
                            R"(],"NextMarker":"x"})");
    lambda.answers(200, R"({"Versions":[)" + configuration("9", 128, R"(,"KMSKeyArn":"k")") + "]}");
    lambda.answers(200, R"({"Aliases":[{"Name":"live","FunctionVersion":"9","RevisionId":"ra",
        "RoutingConfig":{"AdditionalVersionWeights":{"10":0.1}}},
        {"Name":"blue","FunctionVersion":"9","RoutingConfig":null}]})");
    const auto state = lambda.adapter().get(kOrders);
    ASSERT_TRUE(state) << state.error().message;
    EXPECT_TRUE(lambda.over());
    EXPECT_EQ(state->function, kOrders);
    EXPECT_EQ(state->config.memory_mb, 256u);
    EXPECT_EQ(state->config.timeout, std::chrono::seconds(3));
    EXPECT_EQ(state->config.runtime, "python3.11");
    EXPECT_EQ(state->config.handler, "app.handler");
    EXPECT_EQ(state->config.environment, (std::map<std::string, std::string>{{"A", "b"}}));
    EXPECT_EQ(state->etag, "r-$LATEST");
    EXPECT_EQ(state->code_hash, "abc");
    EXPECT_FALSE(state->update_in_progress);
    EXPECT_THAT(state->versions, ElementsAre("9", "10"));
    EXPECT_EQ(state->labels, (std::map<std::string, std::string>{{"tier", "prod"}}));
    ASSERT_THAT(state->aliases, SizeIs(2));
    EXPECT_EQ(state->aliases[0].alias, "blue");
    EXPECT_EQ(state->aliases[0].candidate, std::nullopt);
    EXPECT_TRUE(state->aliases[1].same_split({"live", "9", "10", 0.1, ""}));
    EXPECT_EQ(state->aliases[1].etag, "ra");
    // Dates, revisions and versions make no difference between builds; sizes and all else do.
    EXPECT_EQ(state->builds.at("10"), state->head);
    EXPECT_EQ(state->builds.at("9").tuned.memory_mb, 128u);
    EXPECT_NE(state->builds.at("9").rest, state->head.rest);
}

TEST(AwsLambda, ConfiguresWhatItSawAndWaitsUntilItIsDone) {
    ScriptedLambda lambda;
    lambda.answers(200, configuration("$LATEST", 256, R"(,"LastUpdateStatus":"InProgress")"));
    lambda.answers(200, configuration("$LATEST", 256, R"(,"LastUpdateStatus":"InProgress")"));
    lambda.answers(200,
                   configuration("$LATEST", 256, R"(,"LastUpdateStatus":"Successful","State":"Active")"));
    const auto state = lambda.adapter().configure(kOrders, {.memory_mb = 256, .timeout = Nanos(1)}, "r-1");
    ASSERT_TRUE(state) << state.error().message;
    EXPECT_EQ(state->config.memory_mb, 256u);
    EXPECT_EQ(state->etag, "r-$LATEST");
    EXPECT_THAT(lambda.asked(),
                ElementsAre(R"(PUT /orders/configuration {"MemorySize":256,"RevisionId":"r-1","Timeout":1})",
                            "GET /orders/configuration", "GET /orders/configuration"));
    EXPECT_THAT(lambda.waits, ElementsAre(std::chrono::milliseconds(2), std::chrono::milliseconds(4)));
}

TEST(AwsLambda, AsksNoSecondTimeWhenAConfigurationIsDoneAtOnce) {
    ScriptedLambda lambda;
    lambda.answers(200, configuration("$LATEST", 256, R"(,"LastUpdateStatus":"Successful")"));
    EXPECT_TRUE(lambda.adapter().configure(kOrders, {.memory_mb = 256, .timeout = {}}, "r-1"));
    EXPECT_THAT(lambda.requests, SizeIs(1));
    EXPECT_THAT(lambda.waits, IsEmpty());
}

TEST(AwsLambda, WaitsForAConfigurationOnlySoLong) {
    ScriptedLambda lambda;
    for (int i = 0; i < 100; ++i)
        lambda.answers(200, configuration("$LATEST", 256, R"(,"LastUpdateStatus":"InProgress")"));
    const auto state = lambda.adapter().configure(kOrders, {.memory_mb = 256, .timeout = {}}, "r-1");
    ASSERT_FALSE(state);
    EXPECT_EQ(state.error().code, Errc::timed_out);
    Nanos waited{0};
    for (const Nanos w : lambda.waits) waited += w;
    EXPECT_LE(waited, std::chrono::milliseconds(2500));
    EXPECT_LT(lambda.requests.size(), 20u);
}

TEST(AwsLambda, TellsWhyAnUpdateFailed) {
    ScriptedLambda lambda;
    lambda.answers(200,
                   configuration("$LATEST", 256,
                                 R"(,"LastUpdateStatus":"Failed","LastUpdateStatusReason":"no subnet")"));
    const auto state = lambda.adapter().configure(kOrders, {.memory_mb = 256, .timeout = {}}, "r-1");
    ASSERT_FALSE(state);
    EXPECT_EQ(state.error().code, Errc::invalid_argument);
    EXPECT_THAT(state.error().message, HasSubstr("no subnet"));
}

TEST(AwsLambda, PublishesWhatItSawAndWaitsUntilItCanServe) {
    ScriptedLambda lambda;
    lambda.answers(201, configuration("2", 256, R"(,"State":"Pending")"));
    lambda.answers(200, configuration("2", 256, R"(,"State":"Active")"));
    EXPECT_EQ(lambda.adapter().publish(kOrders, "r-2").value(), "2");
    EXPECT_THAT(lambda.asked(), ElementsAre(R"(POST /orders/versions {"RevisionId":"r-2"})",
                                            "GET /orders/configuration?Qualifier=2"));
}

TEST(AwsLambda, SplitsAnAliasAndEndsTheSplit) {
    ScriptedLambda lambda;
    lambda.answers(200, R"({"Name":"live","FunctionVersion":"1","RevisionId":"r2",
        "RoutingConfig":{"AdditionalVersionWeights":{"2":0.1}}})");
    lambda.answers(200, R"({"Name":"live","FunctionVersion":"2","RevisionId":"r3"})");
    auto adapter = lambda.adapter();
    const auto split = adapter.route(kOrders, {"live", "1", "2", 0.1, "r1"});
    ASSERT_TRUE(split) << split.error().message;
    EXPECT_TRUE(split->same_split({"live", "1", "2", 0.1, ""}));
    EXPECT_EQ(split->etag, "r2");
    ASSERT_TRUE(adapter.route(kOrders, {"live", "2", std::nullopt, 0, ""}));
    EXPECT_THAT(
        lambda.asked(),
        ElementsAre(
            R"(PUT /orders/aliases/live {"FunctionVersion":"1","RevisionId":"r1","RoutingConfig":{"AdditionalVersionWeights":{"2":0.1}}})",
            R"(PUT /orders/aliases/live {"FunctionVersion":"2","RoutingConfig":{"AdditionalVersionWeights":{}}})"));
}

TEST(AwsLambda, InvokesAndGivesBackTheLog) {
    ScriptedLambda lambda;
    lambda.answers(200, R"({"errorType":"X"})",
                   {{"X-Amz-Executed-Version", "2"},
                    {"X-Amz-Function-Error", "Unhandled"},
                    {"X-Amz-Log-Result", "aGVsbG8="}});
    const auto answer = lambda.adapter().invoke(kOrders, "live", R"({"n":1})");
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->payload, R"({"errorType":"X"})");
    EXPECT_EQ(answer->executed, "2");
    EXPECT_TRUE(answer->function_error);
    EXPECT_EQ(answer->log_tail, "hello");
    EXPECT_THAT(lambda.asked(), ElementsAre(R"(POST /orders/invocations?Qualifier=live {"n":1})"));
    EXPECT_EQ(lambda.requests[0].headers.get("X-Amz-Log-Type"), "Tail");
    EXPECT_EQ(lambda.requests[0].headers.get("X-Amz-Invocation-Type"), "RequestResponse");
}

TEST(AwsLambda, CreatesAFunction) {
    ScriptedLambda lambda;
    lambda.answers(201, configuration("$LATEST", 128));
    Package package{
        .zip = std::string("PK\x05\x06\0", 5), .runtime = "provided", .handler = "h", .config = {}};
    package.config.memory_mb = 128;
    package.config.timeout = std::chrono::milliseconds(2500);
    EXPECT_TRUE(lambda.adapter().deploy(kOrders, package, ""));
    EXPECT_THAT(
        lambda.asked(),
        ElementsAre(R"(POST  {"Code":{"ZipFile":"UEsFBgA="},"FunctionName":"orders","Handler":"h",)"
                    R"("MemorySize":128,"PackageType":"Zip","Role":"arn:aws:iam::000000000000:role/r",)"
                    R"("Runtime":"provided","Timeout":3})"));
}

TEST(AwsLambda, ACopyIsOfTheSameArchitectureAndSaysWhoseItIs) {
    ScriptedLambda lambda;
    lambda.answers(201, configuration("$LATEST", 128));
    Package package{.zip = "PK", .runtime = "python3.11", .handler = "h", .config = {}};
    package.config.architecture = "arm64";
    package.labels = {{"autotune:copy-of", "orders"}};
    EXPECT_TRUE(lambda.adapter().deploy(kOrders, package, ""));
    EXPECT_THAT(lambda.asked(), ElementsAre(testing::AllOf(HasSubstr(R"("Architectures":["arm64"])"),
                                                           HasSubstr(R"("Tags":{"autotune:copy-of":"orders"})"))));
}

TEST(AwsLambda, TellsWhatKeepsAFunctionFromBeingCopied) {
    ScriptedLambda lambda;
    lambda.answers(200, R"({"FunctionName":"orders","MemorySize":128,"Architectures":["arm64"],"VpcConfig":{"VpcId":"vpc-1"},"Environment":{"Error":{"ErrorCode":"AccessDeniedException"}}})");
    const FunctionState state = lambda.adapter().configure(kOrders, {}, "r").value();
    EXPECT_EQ(state.config.architecture, "arm64");
    EXPECT_EQ(state.config.network, "vpc-1");
    EXPECT_FALSE(state.config.environment_is_known);
    EXPECT_EQ(lambda.adapter().hash_of("two"), "P8TM/nRYcOLA2Z9x8w/wZWyN7dQcwdfT03aw2+aF4vM=");
}

TEST(AwsLambda, SaysWhenAFunctionIsThereAlready) {
    ScriptedLambda lambda;
    lambda.answers(409, R"({"Message":"Function already exist: orders"})");
    EXPECT_EQ(lambda.adapter().deploy(kOrders, {}, "").error().code, Errc::already_exists);
}

TEST(AwsLambda, DeploysNewCodeWithCompareAndSwap) {
    ScriptedLambda lambda;
    lambda.answers(200, configuration("$LATEST", 128));
    lambda.answers(200, configuration("$LATEST", 128));
    EXPECT_TRUE(
        lambda.adapter().deploy(kOrders, {.zip = "x", .runtime = {}, .handler = "h2", .config = {}}, "r-9"));
    EXPECT_THAT(lambda.asked(),
                ElementsAre(R"(PUT /orders/code {"RevisionId":"r-9","ZipFile":"eA=="})",
                            R"(PUT /orders/configuration {"Handler":"h2","RevisionId":"r-$LATEST"})"));
}

TEST(AwsLambda, RemovesAFunction) {
    ScriptedLambda lambda;
    lambda.answers(204, "");
    EXPECT_TRUE(lambda.adapter().remove(kOrders));
    EXPECT_THAT(lambda.asked(), ElementsAre("DELETE /orders"));
}

TEST(AwsLambda, EncodesArnsAsNames) {
    ScriptedLambda lambda;
    lambda.answers(204, "");
    EXPECT_TRUE(lambda.adapter().remove({"aws-lambda", "arn:aws:lambda:eu-west-1:1:function:orders"}));
    EXPECT_THAT(lambda.asked(),
                ElementsAre("DELETE /arn%3Aaws%3Alambda%3Aeu-west-1%3A1%3Afunction%3Aorders"));
}

TEST(AwsLambda, PreviewsTheExactRequests) {
    ScriptedLambda lambda;
    const FunctionState state{
        .function = kOrders, .etag = "r-1", .aliases = {{"live", "1", std::nullopt, 0, "ra"}}};
    const CanaryPolicy canary{.weight = 0.1};
    EXPECT_THAT(
        lambda.adapter().preview(Resize{128, 256}, state, &canary),
        ElementsAre(
            R"(PUT /2015-03-31/functions/orders/configuration {"MemorySize":256,"RevisionId":"r-1"})",
            R"(POST /2015-03-31/functions/orders/versions {"RevisionId":"<RevisionId of the answer before>"})",
            R"(PUT /2015-03-31/functions/orders/aliases/live {"FunctionVersion":"1","RevisionId":"ra","RoutingConfig":{"AdditionalVersionWeights":{"<new version>":0.1}}})"));
    EXPECT_THAT(lambda.adapter().preview(Notify{}, state, nullptr), IsEmpty());
    EXPECT_THAT(lambda.requests, IsEmpty());
}

TEST(AwsLambda, PreviewsARemedyWithoutSecretsAndCode) {
    ScriptedLambda lambda;
    FunctionState state{.function = kOrders, .etag = "r-1", .aliases = {{"live", "1", std::nullopt, 0, "ra"}}};
    state.head.tuned = {128, std::chrono::seconds(3), "app.handler", {}, "", ""};
    state.config.environment = {{"PASSWORD", "s3cret"}};
    const CanaryPolicy canary{.weight = 0.1};
    const Wrap wrap{.remedy = "cache", .settings = "{}", .words = "cache", .timeout = {}, .layer = "autotune-remedy-12ab"};
    const auto lines = lambda.adapter().preview(wrap, state, &canary);
    ASSERT_EQ(lines.size(), 4u);
    EXPECT_EQ(lines[0], R"(POST /2018-10-31/layers/autotune-remedy-12ab/versions {"CompatibleRuntimes":[],"Content":{"ZipFile":"…"},"Description":""} where it is not there yet)");
    EXPECT_EQ(
        lines[1],
        R"(PUT /2015-03-31/functions/orders/configuration {"Environment":{"Variables":{"AUTOTUNE_REMEDY":"{\"handler\":\"app.handler\",\"remedies\":{\"cache\":{}},\"timeout_s\":3}","PASSWORD":"…"}},"Handler":"autotune_remedy.handler","Layers":["<LayerVersionArn of autotune-remedy-12ab>"],"RevisionId":"r-1"})");
}

TEST(AwsLambda, PublishesALayerOnlyWhereThereIsNone) {
    const Layer layer{.name = "autotune-remedy-12ab", .description = "d", .zip = "zip", .runtimes = {"python3.11"}};
    ScriptedLambda lambda;
    lambda.answers(200, R"({"LayerVersions":[]})").answers(201, R"({"LayerVersionArn":"arn:1","Version":1})");
    EXPECT_EQ(lambda.adapter().provide_layer(layer).value(), "arn:1");
    ASSERT_EQ(lambda.requests.size(), 2u);
    EXPECT_EQ(lambda.requests[0].target, "/2018-10-31/layers/autotune-remedy-12ab/versions?MaxItems=1");
    EXPECT_EQ(lambda.requests[1].body,
              R"({"CompatibleRuntimes":["python3.11"],"Content":{"ZipFile":"emlw"},"Description":"d"})");
    ScriptedLambda again;
    again.answers(200, R"({"LayerVersions":[{"LayerVersionArn":"arn:2"},{"LayerVersionArn":"arn:1"}]})");
    EXPECT_EQ(again.adapter().provide_layer(layer).value(), "arn:2");
    ScriptedLambda gone;
    gone.answers(404, "{}").answers(201, R"({"LayerVersionArn":"arn:1"})");
    EXPECT_TRUE(gone.adapter().provide_layer(layer));
    ScriptedLambda refused;
    refused.answers(403, R"({"Message":"no"})");
    EXPECT_EQ(refused.adapter().provide_layer(layer).error().code, Errc::permission_denied);
}

TEST(AwsLambda, TellsTheWrapperFromTheRestOfAFunction) {
    const auto state_of = [](const std::string& members) {
        ScriptedLambda lambda;
        lambda.answers(200, R"({"FunctionName":"orders","MemorySize":128,"Timeout":3,"CodeSha256":"abc",)" + members + "}");
        return lambda.adapter().configure(kOrders, {}, "r").value();
    };
    const auto plain = state_of(R"("Handler":"app.handler","Environment":{"Variables":{"A":"b"}})");
    const auto wrapped = state_of(
        R"("Handler":"autotune_remedy.handler","Layers":[{"Arn":"arn:1","CodeSize":7}],"Environment":{"Variables":{"A":"b","AUTOTUNE_REMEDY":"{}"}})");
    EXPECT_EQ(plain.head.rest, wrapped.head.rest);
    EXPECT_EQ(plain.head.tuned, (Tuning{128, std::chrono::seconds(3), "app.handler", {}, "abc", ""}));
    EXPECT_EQ(wrapped.head.tuned, (Tuning{128, std::chrono::seconds(3), "autotune_remedy.handler", {"arn:1"}, "abc", "{}"}));
    EXPECT_NE(plain.head.rest, state_of(R"("Handler":"app.handler","Environment":{"Variables":{"A":"c"}})").head.rest);
    EXPECT_EQ(state_of(R"("Environment":{"Variables":{}})").head.rest, state_of(R"("Description":"")").head.rest);
}

// Lambda says so where the caller may not use the key that they are encrypted with.
TEST(AwsLambda, VariablesThatCannotBeReadAreNotReplaced) {
    ScriptedLambda lambda;
    lambda.answers(200, R"({"FunctionName":"orders","MemorySize":128,"Timeout":3,"CodeSha256":"abc","Handler":"app.handler","Environment":{"Error":{"ErrorCode":"AccessDeniedException","Message":"Lambda was unable to decrypt"}}})");
    const FunctionState state = lambda.adapter().configure(kOrders, {}, "r").value();
    const auto to = tuned(Wrap{.remedy = "cache", .settings = "{}", .words = "", .timeout = {}, .layer = "", .handler = {}}, state.head.tuned, "arn:1");
    ASSERT_FALSE(to) << "its variables would be set to " << to->remedy << " alone";
    EXPECT_THAT(to.error().message, HasSubstr("variables cannot be read"));
}

// The URL of the archive is signed: who has it may fetch the code.
TEST(AwsLambda, ASignedUrlIsInNoError) {
    ScriptedLambda lambda;
    lambda.answers(200, R"({"Configuration":{"FunctionName":"orders","MemorySize":128},"Code":{"Location":"http://127.0.0.1:1/code?X-Amz-Signature=5ec7e7"}})");
    const auto package = lambda.adapter().package(kOrders, "1");
    ASSERT_FALSE(package);
    EXPECT_THAT(package.error().message, HasSubstr("127.0.0.1"));
    EXPECT_THAT(package.error().message, testing::Not(HasSubstr("5ec7e7")));
}

}  // namespace
}  // namespace autotune
