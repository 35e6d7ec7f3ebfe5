// The control API as its clients see it: paths, statuses, bodies.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/host/control/api_fixture.hpp"

namespace autotune::host {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

using ControlApiTest = ApiFixture;

TEST_F(ControlApiTest, CreatesAFunctionAndTellsEverythingAboutIt) {
    const auto created = create("shop", {{"MemorySize", 256},
                                         {"Timeout", 7},
                                         {"Description", "a shop"},
                                         {"Environment", {{"Variables", {{"STAGE", "prod"}}}}},
                                         {"Tags", {{"tier", "prod"}}}});
    ASSERT_EQ(created.status, 201) << created.body;
    const auto got = get(functions + "/shop").json();
    EXPECT_EQ(got["Configuration"], created.json());
    const auto& c = got["Configuration"];
    EXPECT_EQ(c["FunctionArn"], "arn:aws:lambda:us-east-1:000000000000:function:shop");
    EXPECT_EQ(c["MemorySize"], 256);
    EXPECT_EQ(c["Timeout"], 7);
    EXPECT_EQ(c["Version"], "$LATEST");
    EXPECT_EQ(c["State"], "Active");
    EXPECT_EQ(c["LastUpdateStatus"], "Successful");
    EXPECT_EQ(c["PackageType"], "Zip");
    EXPECT_EQ(c["Environment"]["Variables"], json({{"STAGE", "prod"}}));
    EXPECT_EQ(got["Tags"], json({{"tier", "prod"}}));
    EXPECT_EQ(get(functions + "/shop/configuration").json(), c);
}

TEST_F(ControlApiTest, TakesNamesInEveryForm) {
    ASSERT_EQ(create("shop").status, 201);
    for (const auto* name : {"shop", "shop:$LATEST", "shop%3A%24LATEST", "000000000000:function:shop",
                             "arn:aws:lambda:us-east-1:000000000000:function:shop",
                             "arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Ashop%3A%24LATEST",
                             "shop?Qualifier=%24LATEST"})
        EXPECT_EQ(get(functions + "/" + name).status, 200) << name;
    EXPECT_EQ(get(functions + "/shop/").status, 200);
}

TEST_F(ControlApiTest, GivesTheCodeBack) {
    const auto zip = a_zip({{"app.py", "pass"}});
    ASSERT_EQ(create("shop").status, 201);
    const std::string location = get(functions + "/shop").json()["Code"]["Location"];
    ASSERT_THAT(location, StartsWith(url() + "/code/"));
    const auto package = get(location.substr(url().size()));
    EXPECT_EQ(package.status, 200);
    EXPECT_EQ(sha256_base64(package.body), get(functions + "/shop/configuration").json()["CodeSha256"]);
    EXPECT_EQ(get("/code/..%2Ffunctions%2Fshop.json").status, 404);
    EXPECT_EQ(get("/code/shop.json").status, 404);
}

TEST_F(ControlApiTest, ListsFunctionsPageByPage) {
    for (const auto* name : {"c", "a", "b"}) ASSERT_EQ(create(name).status, 201);
    const auto first = get(functions + "/?MaxItems=2").json();
    ASSERT_EQ(first["Functions"].size(), 2u);
    EXPECT_EQ(first["Functions"][0]["FunctionName"], "a");
    const auto second =
        get(functions + "?MaxItems=2&Marker=" + first["NextMarker"].get<std::string>()).json();
    ASSERT_EQ(second["Functions"].size(), 1u);
    EXPECT_EQ(second["Functions"][0]["FunctionName"], "c");
    EXPECT_FALSE(second.contains("NextMarker"));
    EXPECT_THAT(get(functions + "?MaxItems=0").fault(), HasSubstr("400 ValidationException"));
    EXPECT_THAT(get(functions + "?FunctionVersion=x").fault(),
                HasSubstr("Member must satisfy enum value set: [ALL]"));
}

TEST_F(ControlApiTest, ListsVersionsPageByPage) {
    create_with_two_versions();
    EXPECT_EQ(get(functions + "/shop/versions?MaxItems=10000").json()["Versions"].size(), 3u);
    std::vector<std::string> seen;
    for (std::string marker;;) {
        const auto page = get(functions + "/shop/versions?MaxItems=1&Marker=" + marker).json();
        seen.push_back(page["Versions"].at(0)["FunctionArn"]);
        if (!page.contains("NextMarker")) break;
        marker = page["NextMarker"];
    }
    const std::string arn = "arn:aws:lambda:us-east-1:000000000000:function:shop:";
    EXPECT_THAT(seen, ElementsAre(arn + "$LATEST", arn + "1", arn + "2"));
}

TEST_F(ControlApiTest, ShiftsAnAliasAndRollsBack) {
    create_with_two_versions();
    const auto aliases = functions + "/shop/aliases";
    const auto made = send("POST", aliases, json{{"Name", "live"}, {"FunctionVersion", "1"}});
    ASSERT_EQ(made.status, 201) << made.body;
    EXPECT_EQ(made.json()["AliasArn"], "arn:aws:lambda:us-east-1:000000000000:function:shop:live");
    const json canary{{"RoutingConfig", {{"AdditionalVersionWeights", {{"2", 0.1}}}}},
                      {"RevisionId", made.json()["RevisionId"]}};
    const auto shifted = send("PUT", aliases + "/live", canary);
    EXPECT_EQ(shifted.json()["RoutingConfig"]["AdditionalVersionWeights"], json({{"2", 0.1}}));
    EXPECT_THAT(send("PUT", aliases + "/live", canary).fault(),
                StartsWith("412 PreconditionFailedException: "));
    EXPECT_EQ(get(aliases).json()["Aliases"].size(), 1u);
    EXPECT_EQ(get(aliases + "?FunctionVersion=2").json()["Aliases"].size(), 1u);
    const auto rolled = send("PUT", aliases + "/live", json{{"RoutingConfig", json::object()}});
    EXPECT_FALSE(rolled.json().contains("RoutingConfig"));
    EXPECT_EQ(get(functions + "/shop/configuration?Qualifier=live").json()["Version"], "1");
    EXPECT_EQ(send("DELETE", aliases + "/live").status, 204);
    EXPECT_EQ(get(aliases + "/live").status, 404);
}

TEST_F(ControlApiTest, PublishesOnceAndAnswersTheSameAgain) {
    ASSERT_EQ(create("shop").status, 201);
    const auto first = send("POST", functions + "/shop/versions");
    EXPECT_EQ(first.status, 201);
    EXPECT_EQ(first.json()["FunctionArn"], "arn:aws:lambda:us-east-1:000000000000:function:shop:1");
    EXPECT_EQ(send("POST", functions + "/shop/versions", json{{"Description", "again"}}).json(),
              first.json());
    EXPECT_THAT(send("POST", functions + "/shop/versions", json{{"CodeSha256", "x"}}).fault(),
                StartsWith("400 InvalidParameterValueException: CodeSHA256 (x) is different"));
}

TEST_F(ControlApiTest, UpdatesCode) {
    ASSERT_EQ(create("shop").status, 201);
    const auto zip = a_zip({{"app.py", "changed"}});
    const auto updated =
        send("PUT", functions + "/shop/code", json{{"ZipFile", to_base64(zip)}, {"Publish", true}});
    ASSERT_EQ(updated.status, 200) << updated.body;
    EXPECT_EQ(updated.json()["CodeSha256"], sha256_base64(zip));
    EXPECT_EQ(updated.json()["Version"], "1");
    EXPECT_THAT(
        send("PUT", functions + "/shop/code", json{{"ZipFile", to_base64(zip)}, {"RevisionId", "old"}})
            .fault(),
        StartsWith("412 PreconditionFailedException"));
}

TEST_F(ControlApiTest, RefusesBadPackagesAsLambdaDoes) {
    const auto unzip =
        "400 InvalidParameterValueException: Could not unzip uploaded file. Please check your file, then "
        "try to upload again.";
    EXPECT_EQ(create("shop", {{"Code", {{"ZipFile", to_base64("this is no zip")}}}}).fault(), unzip);
    EXPECT_EQ(create("shop", {{"Code", {{"ZipFile", "&&&"}}}}).fault(), unzip);
    EXPECT_THAT(create("shop", {{"Code", json::object()}}).fault(),
                StartsWith("400 InvalidParameterValueException"));
    EXPECT_THAT(create("shop", {{"Code", {{"ImageUri", "x"}}}}).fault(), HasSubstr("Container images"));
    EXPECT_THAT(create("shop", {{"Code", {{"S3Bucket", "b"}, {"S3Key", "k"}}}}).fault(), HasSubstr("no S3"));
    EXPECT_EQ(get(functions).json()["Functions"].size(), 0u);
}

TEST_F(ControlApiTest, RefusesWhatIsNestedWithoutEnd) {
    create("shop");
    const std::string deep = std::string(1'000'000, '[') + std::string(1'000'000, ']');
    const auto answer = send("PUT", functions + "/shop/configuration", R"({"Environment":{"x":)" + deep + "}}");
    EXPECT_THAT(answer.fault(), StartsWith("400 InvalidRequestContentException"));
    EXPECT_EQ(get(functions + "/shop").status, 200);
}

TEST_F(ControlApiTest, RefusesBadMembersAsLambdaDoes) {
    EXPECT_THAT(create("no spaces").fault(),
                StartsWith("400 ValidationException: 1 validation error detected"));
    EXPECT_THAT(create("shop:live").fault(), StartsWith("400 InvalidParameterValueException"));
    EXPECT_THAT(create("shop", {{"Role", "r1"}}).fault(), HasSubstr("Value 'r1' at 'role' failed"));
    EXPECT_THAT(create("shop", {{"Role", nullptr}}).fault(), HasSubstr("Value null at 'role'"));
    EXPECT_THAT(create("shop", {{"MemorySize", 64}}).fault(), HasSubstr("'memorySize' failed"));
    EXPECT_THAT(create("shop", {{"MemorySize", 99'999'999'999}}).fault(), HasSubstr("'memorySize' failed"));
    EXPECT_THAT(create("shop", {{"MemorySize", -1}}).fault(), HasSubstr("'memorySize' failed"));
    EXPECT_THAT(create("shop", {{"MemorySize", "128"}}).fault(), HasSubstr("wrong type of MemorySize"));
    EXPECT_THAT(create("shop", {{"Runtime", nullptr}}).fault(),
                HasSubstr("Runtime and Handler are mandatory"));
    EXPECT_THAT(create("shop", {{"Architectures", {"x86_64", "arm64"}}}).fault(),
                HasSubstr("'architectures' failed"));
    EXPECT_THAT(create("shop", {{"TracingConfig", {{"Mode", "x"}}}}).fault(),
                HasSubstr("[Active, PassThrough]"));
    EXPECT_THAT(create("shop", {{"Layers", {"arn:x"}}}).fault(), HasSubstr("ValidationException"));
    EXPECT_THAT(create("shop", {{"Environment", {{"Variables", {{"A1", 1}}}}}}).fault(),
                HasSubstr("wrong type of Variables"));
    for (const auto* body : {"{", "[]", "\"x\"", "{\"FunctionName\": \"\xff\"}"})
        EXPECT_THAT(send("POST", functions, std::string(body)).fault(),
                    StartsWith("400 InvalidRequestContentException"))
            << body;
    EXPECT_EQ(get(functions).json()["Functions"].size(), 0u);
}

TEST_F(ControlApiTest, AnswersConflictsAndAbsence) {
    ASSERT_EQ(create("shop").status, 201);
    EXPECT_EQ(create("shop").fault(), "409 ResourceConflictException: Function already exist: shop");
    const auto missing = get(functions + "/nope");
    EXPECT_EQ(missing.fault(),
              "404 ResourceNotFoundException: Function not found: "
              "arn:aws:lambda:us-east-1:000000000000:function:nope");
    EXPECT_EQ(missing.json()["Type"], "User");
    EXPECT_FALSE(std::string(missing.headers.get("x-amzn-RequestId")).empty());
    EXPECT_THAT(get("/2015-03-31/nothing").fault(), StartsWith("404 UnknownOperationException"));
    EXPECT_THAT(send("PATCH", functions + "/shop").fault(), StartsWith("404 UnknownOperationException"));
    EXPECT_THAT(get("/").fault(), StartsWith("404 UnknownOperationException"));
}

TEST_F(ControlApiTest, DeletesVersionsAndFunctions) {
    create_with_two_versions();
    EXPECT_EQ(send("DELETE", functions + "/shop?Qualifier=1").status, 204);
    EXPECT_EQ(get(functions + "/shop?Qualifier=1").status, 404);
    EXPECT_EQ(send("DELETE", functions + "/shop?Qualifier=$LATEST").status, 400);
    EXPECT_EQ(send("DELETE", functions + "/shop").status, 204);
    EXPECT_EQ(send("DELETE", functions + "/shop").status, 404);
}

TEST_F(ControlApiTest, KeepsTags) {
    ASSERT_EQ(create("shop").status, 201);
    const std::string tags =
        "/2017-03-31/tags/arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Ashop";
    EXPECT_EQ(send("POST", tags, json{{"Tags", {{"a", "1"}, {"b", "2"}, {"c", "3"}}}}).status, 204);
    EXPECT_EQ(send("DELETE", tags + "?tagKeys=a&tagKeys=b").status, 204);
    EXPECT_EQ(get(tags).json(), json({{"Tags", {{"c", "3"}}}}));
    EXPECT_THAT(send("DELETE", tags).fault(), HasSubstr("Value null at 'tagKeys'"));
    EXPECT_THAT(send("POST", tags, json{{"Tags", json::object()}}).fault(),
                StartsWith("400 InvalidParameterValue"));
    EXPECT_THAT(get(tags + "%3Alive").fault(),
                HasSubstr("Tags on function aliases and versions are not supported"));
    EXPECT_THAT(get("/2017-03-31/tags/shop").fault(), HasSubstr("'resource' failed"));
}

TEST_F(ControlApiTest, ReservesConcurrencyWithinTheAccount) {
    ASSERT_EQ(create("shop").status, 201);
    const std::string put = "/2017-10-31/functions/shop/concurrency";
    const std::string read = "/2019-09-30/functions/shop/concurrency";
    EXPECT_EQ(get(read).json(), json::object());
    EXPECT_EQ(send("PUT", put, json{{"ReservedConcurrentExecutions", 4}}).status, 200);
    EXPECT_EQ(get(read).json(), json({{"ReservedConcurrentExecutions", 4}}));
    EXPECT_EQ(get(functions + "/shop").json()["Concurrency"]["ReservedConcurrentExecutions"], 4);
    EXPECT_EQ(get("/2016-08-19/account-settings/").json()["AccountLimit"]["UnreservedConcurrentExecutions"],
              6);
    EXPECT_EQ(send("PUT", put, json{{"ReservedConcurrentExecutions", 10}}).status, 200);
    EXPECT_THAT(send("PUT", put, json{{"ReservedConcurrentExecutions", 11}}).fault(),
                HasSubstr("below its minimum"));
    EXPECT_EQ(send("DELETE", put).status, 204);
    EXPECT_EQ(get(read).json(), json::object());
    EXPECT_THAT(
        send("PUT", "/2017-10-31/functions/shop:1/concurrency", json{{"ReservedConcurrentExecutions", 1}})
            .fault(),
        HasSubstr("Aliases and versions do not support this operation"));
}

class Provisioned : public ControlApiTest {
protected:
    void SetUp() override {
        create_with_two_versions();
        alias("live", "1");
    }
    void alias(const std::string& name, const std::string& version) {
        ASSERT_EQ(send("POST", functions + "/shop/aliases", json{{"Name", name}, {"FunctionVersion", version}}).status, 201);
    }
    void move(const json& change) { ASSERT_EQ(send("PUT", functions + "/shop/aliases/live", change).status, 200); }
    static std::string path(const std::string& qualifier) {
        return "/2019-09-30/functions/shop/provisioned-concurrency?Qualifier=" + qualifier;
    }
    ApiAnswer put(int count, const std::string& qualifier = "live") {
        return send("PUT", path(qualifier), json{{"ProvisionedConcurrentExecutions", count}});
    }
    // What was ordered since it was asked last.
    std::vector<std::string> ordered() { return std::exchange(invoker().orders, {}); }
};

TEST_F(Provisioned, IsOrderedToldAndTakenAway) {
    const auto made = put(3);
    ASSERT_EQ(made.status, 202) << made.body;
    EXPECT_EQ(made.json()["RequestedProvisionedConcurrentExecutions"], 3);
    EXPECT_EQ(made.json()["AvailableProvisionedConcurrentExecutions"], 0);
    EXPECT_EQ(made.json()["AllocatedProvisionedConcurrentExecutions"], 0);
    EXPECT_EQ(made.json()["Status"], "IN_PROGRESS");
    EXPECT_FALSE(made.json().contains("StatusReason"));
    EXPECT_THAT(std::string(made.json()["LastModified"]), HasSubstr("+0000"));
    EXPECT_THAT(ordered(), ElementsAre("shop:1 for live 3"));
    EXPECT_EQ(get(path("live")).json()["Status"], "IN_PROGRESS");
    invoker().warm = {.allocated = 3, .available = 3, .reached = true, .failure = {}};
    const auto got = get(path("live"));
    EXPECT_EQ(got.status, 200);
    EXPECT_EQ(got.json()["Status"], "READY");
    EXPECT_EQ(got.json()["AvailableProvisionedConcurrentExecutions"], 3);
    EXPECT_EQ(get("/2019-09-30/functions/shop:live/provisioned-concurrency").json(), got.json());
    const auto list = get("/2019-09-30/functions/shop/provisioned-concurrency?List=ALL").json()["ProvisionedConcurrencyConfigs"];
    ASSERT_EQ(list.size(), 1u);
    EXPECT_EQ(list[0]["FunctionArn"], "arn:aws:lambda:us-east-1:000000000000:function:shop:live");
    EXPECT_EQ(list[0]["Status"], "READY");
    invoker().warm.failure = "FUNCTION_ERROR_INIT_FAILURE";
    EXPECT_EQ(get(path("live")).json()["Status"], "FAILED");
    EXPECT_EQ(get(path("live")).json()["StatusReason"], "FUNCTION_ERROR_INIT_FAILURE");
    EXPECT_EQ(send("DELETE", path("live")).status, 204);
    EXPECT_THAT(ordered(), ElementsAre("shop:1 for live 0"));
    EXPECT_THAT(get(path("live")).fault(), StartsWith("404 ProvisionedConcurrencyConfigNotFoundException"));
    EXPECT_THAT(send("DELETE", path("live")).fault(), StartsWith("404 ProvisionedConcurrencyConfigNotFoundException"));
}

TEST_F(Provisioned, FollowsItsAlias) {
    ASSERT_EQ(put(4).status, 202);
    EXPECT_THAT(ordered(), ElementsAre("shop:1 for live 4"));
    move({{"RoutingConfig", {{"AdditionalVersionWeights", {{"2", 0.1}}}}}});
    EXPECT_THAT(ordered(), ElementsAre("shop:1 for live 3", "shop:2 for live 1")) << "by their shares, of each at least one";
    move({{"FunctionVersion", "2"}, {"RoutingConfig", {{"AdditionalVersionWeights", json::object()}}}});
    EXPECT_THAT(ordered(), ElementsAre("shop:2 for live 4", "shop:1 for live 0")) << "the new ones first";
    EXPECT_EQ(send("DELETE", functions + "/shop/aliases/live").status, 204);
    EXPECT_THAT(ordered(), ElementsAre("shop:2 for live 0"));
    alias("live", "1");
    EXPECT_THAT(get(path("live")).fault(), StartsWith("404 ProvisionedConcurrencyConfigNotFoundException")) << "it went with its alias";
}

TEST_F(Provisioned, GoesWithItsFunction) {
    ASSERT_EQ(put(1, "2").status, 202);
    EXPECT_THAT(ordered(), ElementsAre("shop:2 for 2 1"));
    EXPECT_EQ(send("DELETE", functions + "/shop").status, 204);
    EXPECT_THAT(ordered(), ElementsAre("shop:2 for 2 0"));
}

TEST_F(Provisioned, IsForPublishedVersionsWithinWhatThereIs) {
    const std::string kUnpublished = "cannot be applied to unpublished function versions";
    EXPECT_THAT(put(1, "%24LATEST").fault(), HasSubstr("400 InvalidParameterValueException: Provisioned Concurrency Configs " + kUnpublished));
    alias("head", "$LATEST");
    EXPECT_THAT(put(1, "head").fault(), HasSubstr(kUnpublished));
    EXPECT_THAT(put(1, "").fault(), HasSubstr("Value null at 'qualifier'"));
    EXPECT_THAT(put(1, "9").fault(), StartsWith("404 ResourceNotFoundException"));
    EXPECT_THAT(put(0).fault(), HasSubstr("greater than or equal to 1"));
    EXPECT_THAT(put(100'000).fault(), HasSubstr("greater than account's unreserved concurrency ["));
    const std::string reservation = "/2017-10-31/functions/shop/concurrency";
    EXPECT_EQ(send("PUT", reservation, json{{"ReservedConcurrentExecutions", 3}}).status, 200);
    EXPECT_THAT(put(4).fault(), HasSubstr("should not be greater than the reservedConcurrentExecution"));
    EXPECT_EQ(put(2).status, 202);
    EXPECT_THAT(put(2, "2").fault(), HasSubstr("should not be greater")) << "two and two are four";
    EXPECT_THAT(send("PUT", reservation, json{{"ReservedConcurrentExecutions", 1}}).fault(), HasSubstr("less than its provisioned concurrency [2]"));
    EXPECT_THAT(send("PUT", functions + "/shop/aliases/live", json{{"FunctionVersion", "$LATEST"}}).fault(), HasSubstr(kUnpublished));
    move({{"RoutingConfig", {{"AdditionalVersionWeights", {{"2", 0.5}}}}}});
    EXPECT_THAT(put(3).fault(), HasSubstr("Alias with weights can not be used with Provisioned Concurrency"));
}

TEST_F(ControlApiTest, AnswersWhatTerraformAsksForAndThereIsNot) {
    ASSERT_EQ(create("shop").status, 201);
    EXPECT_EQ(get("/2020-06-30/functions/shop/code-signing-config").json(), json({{"FunctionName", "shop"}}));
    EXPECT_THAT(get(functions + "/shop/policy").fault(), StartsWith("404 ResourceNotFoundException"));
    EXPECT_THAT(get("/2021-10-31/functions/shop/url").fault(), StartsWith("404 ResourceNotFoundException"));
    EXPECT_THAT(get("/2019-09-25/functions/shop/event-invoke-config").fault(),
                HasSubstr("doesn't have an EventInvokeConfig"));
    EXPECT_THAT(get("/2019-09-30/functions/shop/provisioned-concurrency?Qualifier=1").fault(),
                StartsWith("404 "));
    EXPECT_EQ(get("/2021-07-20/functions/shop/runtime-management-config").json()["UpdateRuntimeOn"], "Auto");
    EXPECT_EQ(get("/2015-03-31/event-source-mappings/?FunctionName=shop").json()["EventSourceMappings"],
              json::array());
    EXPECT_EQ(get("/2020-06-30/functions/nope/code-signing-config").status, 404);
}

}  // namespace
}  // namespace autotune::host
