#include "host/control/store.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/host/control/support.hpp"

namespace autotune::host {
namespace {

using testing::HasSubstr;
using testing::StartsWith;
using Texts = std::map<std::string, std::string>;

constexpr auto stale =
    "PreconditionFailedException: The Revision Id provided does not match the latest Revision Id. Call the "
    "GetFunction/GetAlias API to retrieve the latest Revision Id";

class Store : public testing::Test {
protected:
    void SetUp() override { ASSERT_TRUE(store_.create(a_function())); }
    Configuration head() { return store_.find("shop")->get().latest; }
    Result<Configuration> resize(std::uint32_t memory_mb, std::string_view expected = "") {
        SettingsDelta delta;
        delta.memory_mb = memory_mb;
        return store_.update_settings("shop", delta, expected);
    }
    std::string refusal(const SettingsDelta& delta) {
        return fault_of(store_.update_settings("shop", delta, ""));
    }

    StillClock clock_;
    FunctionStore store_{Home{}, clock_, counting_ids()};
};

TEST_F(Store, KeepsWhatWasCreated) {
    const auto latest = head();
    EXPECT_EQ(latest.version, "$LATEST");
    EXPECT_EQ(latest.settings, a_function().settings);
    EXPECT_EQ(latest.revision_id, "r1");
    EXPECT_EQ(latest.last_modified, clock_.wall());
}

TEST_F(Store, RefusesASecondFunctionOfTheSameName) {
    EXPECT_EQ(fault_of(store_.create(a_function())),
              "ResourceConflictException: Function already exist: shop");
}

TEST_F(Store, SaysWhichFunctionIsMissing) {
    EXPECT_EQ(
        fault_of(store_.find("nope")),
        "ResourceNotFoundException: Function not found: arn:aws:lambda:us-east-1:000000000000:function:nope");
    EXPECT_EQ(fault_of(store_.resolve({"shop", "9"})),
              "ResourceNotFoundException: Function not found: "
              "arn:aws:lambda:us-east-1:000000000000:function:shop:9");
}

TEST_F(Store, ChangesOnlyWhatADeltaSets) {
    const auto before = head();
    const auto after = resize(256);
    ASSERT_TRUE(after);
    EXPECT_EQ(after->settings.memory_mb, 256u);
    EXPECT_EQ(after->settings.handler, before.settings.handler);
    EXPECT_NE(after->revision_id, before.revision_id);
}

TEST_F(Store, TakesAChangeOnlyOnTheRevisionItWasDecidedOn) {
    const auto old = head().revision_id;
    ASSERT_TRUE(resize(256, old));
    EXPECT_EQ(fault_of(resize(512, old)), stale);
    EXPECT_EQ(fault_of(store_.update_code("shop", {"x", 1}, old)), stale);
    EXPECT_EQ(fault_of(store_.publish("shop", {{}, old, {}})), stale);
    EXPECT_EQ(head().settings.memory_mb, 256u);
}

TEST_F(Store, PublishesImmutableVersionsThatCountUp) {
    EXPECT_EQ(store_.publish("shop", {})->version, "1");
    ASSERT_TRUE(resize(256));
    EXPECT_EQ(store_.publish("shop", {})->version, "2");
    ASSERT_TRUE(resize(512));
    EXPECT_EQ(store_.resolve({"shop", "1"})->settings.memory_mb, 128u);
    EXPECT_EQ(store_.resolve({"shop", "2"})->settings.memory_mb, 256u);
    EXPECT_EQ(store_.resolve({"shop", ""})->settings.memory_mb, 512u);
}

TEST_F(Store, PublishingAgainWithoutAChangeGivesTheSameVersion) {
    const auto first = store_.publish("shop", {});
    const auto revision = head().revision_id;
    const auto second = store_.publish("shop", {{}, {}, "another description"});
    EXPECT_EQ(*first, *second);
    EXPECT_EQ(head().revision_id, revision);
    ASSERT_TRUE(store_.update_code("shop", {"bmV3", 3}, ""));
    EXPECT_EQ(store_.publish("shop", {})->version, "2");
}

TEST_F(Store, PublishingANewVersionGivesLatestANewRevision) {
    const auto before = head().revision_id;
    ASSERT_TRUE(store_.publish("shop", {}));
    EXPECT_NE(head().revision_id, before);
}

TEST_F(Store, PublishesOnlyTheCodeThatTheCallerMeans) {
    EXPECT_TRUE(store_.publish("shop", {head().code.sha256, {}, {}}));
    EXPECT_EQ(
        fault_of(store_.publish("shop", {"other", {}, {}})),
        "InvalidParameterValueException: CodeSHA256 (other) is different from current CodeSHA256 in $LATEST "
        "(c29tZSBjb2Rl). Please try again with the CodeSHA256 in $LATEST.");
}

TEST_F(Store, NeverUsesAVersionNumberAgain) {
    ASSERT_TRUE(store_.publish("shop", {}));
    ASSERT_TRUE(store_.remove_version("shop", "1"));
    EXPECT_EQ(store_.publish("shop", {})->version, "2");
}

TEST_F(Store, KeepsAVersionThatAnAliasUses) {
    ASSERT_TRUE(store_.publish("shop", {}));
    AliasChange alias;
    alias.name = "live";
    alias.version = "1";
    ASSERT_TRUE(store_.create_alias("shop", alias));
    EXPECT_THAT(fault_of(store_.remove_version("shop", "1")), StartsWith("ResourceConflictException"));
    ASSERT_TRUE(store_.remove_alias("shop", "live"));
    EXPECT_TRUE(store_.remove_version("shop", "1"));
    EXPECT_TRUE(store_.remove_version("shop", "1")) << "what has gone already is no error";
}

TEST_F(Store, DeletesLatestOnlyWithTheFunction) {
    EXPECT_EQ(
        fault_of(store_.remove_version("shop", "$LATEST")),
        "InvalidParameterValueException: $LATEST version cannot be deleted without deleting the function.");
    EXPECT_THAT(fault_of(store_.remove_version("shop", "live")), HasSubstr("Deletion of aliases"));
    EXPECT_TRUE(store_.remove("shop"));
    EXPECT_THAT(fault_of(store_.remove("shop")), StartsWith("ResourceNotFoundException"));
}

TEST_F(Store, RefusesMemoryAndTimeoutsThatLambdaRefuses) {
    EXPECT_EQ(
        fault_of(resize(127)),
        "ValidationException: 1 validation error detected: Value '127' at 'memorySize' failed to satisfy "
        "constraint: Member must have value greater than or equal to 128");
    EXPECT_THAT(fault_of(resize(10'241)), HasSubstr("less than or equal to 10240"));
    EXPECT_TRUE(resize(128));
    EXPECT_TRUE(resize(10'240));
    SettingsDelta delta;
    delta.timeout_s = 0;
    EXPECT_THAT(refusal(delta), HasSubstr("'timeout' failed"));
    delta.timeout_s = 901;
    EXPECT_THAT(refusal(delta), HasSubstr("less than or equal to 900"));
}

TEST_F(Store, RefusesRuntimesThatItCannotRun) {
    SettingsDelta delta;
    for (const auto* runtime : {"nodejs20", "nodejs.x", "nodejsx.x", "python2.7", "PYTHON3.9", "python3.", "python3.x", ""}) {
        delta.runtime = runtime;
        EXPECT_THAT(refusal(delta),
                    StartsWith("InvalidParameterValueException: Value " + std::string(runtime) +
                               " at 'runtime' failed to satisfy constraint"));
    }
    for (const auto* runtime : {"python3.8", "python3.13", "nodejs20.x", "provided", "provided.al2023"}) {
        delta.runtime = runtime;
        EXPECT_EQ(refusal(delta), "(no error)");
    }
}

TEST_F(Store, RefusesHandlersWithSpacesAndOverlongOnes) {
    SettingsDelta delta;
    for (const auto& handler : {std::string(), std::string("a b"), std::string(129, 'h')}) {
        delta.handler = handler;
        EXPECT_THAT(refusal(delta), HasSubstr("at 'handler' failed")) << handler;
    }
    delta.handler = "dir/app.handler";
    EXPECT_EQ(refusal(delta), "(no error)");
}

TEST_F(Store, RefusesReservedMisnamedAndTooLargeEnvironments) {
    SettingsDelta delta;
    delta.environment = Texts{{"AWS_REGION", "x"}, {"_HANDLER", "y"}, {"FINE", "z"}};
    EXPECT_THAT(refusal(delta), HasSubstr("Reserved keys used in this request: AWS_REGION, _HANDLER"));
    delta.environment = Texts{{"1ST", "x"}};
    EXPECT_THAT(refusal(delta), HasSubstr("[a-zA-Z]([a-zA-Z0-9_])+"));
    delta.environment = Texts{{"LARGE", std::string(4096, 'x')}};
    EXPECT_THAT(refusal(delta), HasSubstr("exceeded the 4KB limit"));
    delta.environment = Texts{{"LARGE", std::string(4000, 'x')}};
    EXPECT_EQ(refusal(delta), "(no error)");
    EXPECT_EQ(head().settings.environment, *delta.environment);
}

TEST_F(Store, HoldsAtMostFiftyTags) {
    ASSERT_TRUE(store_.tag("shop", Texts{{"team", "a"}, {"tier", "prod"}}));
    ASSERT_TRUE(store_.tag("shop", Texts{{"team", "b"}}));
    ASSERT_TRUE(store_.untag("shop", {"tier", "unknown"}));
    EXPECT_EQ(store_.find("shop")->get().tags, (Texts{{"team", "b"}}));
    std::map<std::string, std::string> many;
    for (int i = 0; i < 50; ++i) many["k" + std::to_string(i)] = "v";
    EXPECT_THAT(fault_of(store_.tag("shop", many)), HasSubstr("Number of tags exceeds"));
}

TEST_F(Store, KnowsWhichPackagesAreStillNeeded) {
    ASSERT_TRUE(store_.publish("shop", {}));
    ASSERT_TRUE(store_.update_code("shop", {"bmV3", 3}, ""));
    EXPECT_EQ(store_.code_in_use(), (std::set<std::string>{"c29tZSBjb2Rl", "bmV3"}));
    ASSERT_TRUE(store_.remove_version("shop", "1"));
    EXPECT_EQ(store_.code_in_use(), (std::set<std::string>{"bmV3"}));
}

}  // namespace
}  // namespace autotune::host
