#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "host/control/store.hpp"
#include "tests/host/control/support.hpp"

namespace autotune::host {
namespace {

using testing::HasSubstr;
using testing::StartsWith;
using Weights = std::map<std::string, double>;

// A function with versions 1, 2 and 3, and an alias "live" on version 1.
class Aliases : public testing::Test {
protected:
    void SetUp() override {
        ASSERT_TRUE(store_.create(a_function()));
        for (const std::uint32_t memory_mb : {128u, 256u, 512u}) {
            SettingsDelta delta;
            delta.memory_mb = memory_mb;
            ASSERT_TRUE(store_.update_settings("shop", delta, ""));
            ASSERT_TRUE(store_.publish("shop", {}));
        }
        ASSERT_TRUE(store_.create_alias("shop", alias("live", "1")));
    }
    static AliasChange alias(std::string name, std::string version) {
        AliasChange change;
        change.name = std::move(name);
        change.version = std::move(version);
        return change;
    }
    Result<Alias> split(Weights weights, std::string expected = "") {
        AliasChange change;
        change.name = "live";
        change.weights = std::move(weights);
        change.expected = std::move(expected);
        return store_.update_alias("shop", change);
    }
    std::string routed(double draw) { return store_.route({"shop", "live"}, draw)->version; }

    StillClock clock_;
    FunctionStore store_{Home{}, clock_, counting_ids()};
};

TEST_F(Aliases, StandForTheirVersion) {
    EXPECT_EQ(store_.resolve({"shop", "live"})->version, "1");
    ASSERT_TRUE(store_.update_alias("shop", alias("live", "2")));
    EXPECT_EQ(store_.resolve({"shop", "live"})->version, "2");
}

TEST_F(Aliases, MayStandForLatestAlone) {
    ASSERT_TRUE(store_.create_alias("shop", alias("dev", "$LATEST")));
    EXPECT_EQ(store_.resolve({"shop", "dev"})->version, "$LATEST");
}

TEST_F(Aliases, SendTheirShareOfCallsToASecondVersion) {
    ASSERT_TRUE(split({{"2", 0.1}}));
    EXPECT_EQ(routed(0.0), "2");
    EXPECT_EQ(routed(0.0999), "2");
    EXPECT_EQ(routed(0.1), "1");
    EXPECT_EQ(routed(0.9999), "1");
}

TEST_F(Aliases, WithWeightZeroOrOneSendAllCallsOneWay) {
    ASSERT_TRUE(split({{"2", 0.0}}));
    EXPECT_EQ(routed(0.0), "1");
    ASSERT_TRUE(split({{"2", 1.0}}));
    EXPECT_EQ(routed(0.9999999), "2");
}

TEST_F(Aliases, MeetTheirWeightsOverManyCalls) {
    ASSERT_TRUE(split({{"2", 0.1}}));
    std::mt19937_64 random(7);
    std::uniform_real_distribution<double> uniform(0, 1);
    int second = 0;
    for (int i = 0; i < 20'000; ++i) second += routed(uniform(random)) == "2" ? 1 : 0;
    EXPECT_NEAR(second, 2000, 6 * 42);  // six standard deviations
}

TEST_F(Aliases, LeaveTheSplitAloneUnlessToldOtherwise) {
    ASSERT_TRUE(split({{"2", 0.1}}));
    AliasChange described;
    described.name = "live";
    described.description = "the live one";
    EXPECT_EQ(store_.update_alias("shop", described)->weight, 0.1);
    const auto ended = split({});
    ASSERT_TRUE(ended);
    EXPECT_FALSE(ended->additional);
    EXPECT_EQ(ended->description, "the live one");
}

TEST_F(Aliases, ArePromotedInOneStep) {
    ASSERT_TRUE(split({{"2", 0.1}}));
    auto promote = alias("live", "2");
    EXPECT_THAT(fault_of(store_.update_alias("shop", promote)),
                HasSubstr("Function version 2 is already included in routing configuration."));
    promote.weights = Weights{};
    EXPECT_EQ(store_.update_alias("shop", promote)->version, "2");
}

TEST_F(Aliases, HoldAtMostTwoPublishedVersions) {
    EXPECT_EQ(fault_of(split({{"2", 0.1}, {"3", 0.1}})),
              "InvalidParameterValueException: Number of items in AdditionalVersionWeights cannot be greater "
              "than 1");
    EXPECT_EQ(fault_of(split({{"9", 0.1}})),
              "ResourceNotFoundException: Function not found: "
              "arn:aws:lambda:us-east-1:000000000000:function:shop:9");
    EXPECT_EQ(fault_of(split({{"1", 0.1}})),
              "InvalidParameterValueException: Invalid function version 1. Function version 1 is already "
              "included in "
              "routing configuration.");
    EXPECT_THAT(
        fault_of(split({{"$LATEST", 0.5}})),
        StartsWith("ValidationException: 1 validation error detected: Value '{$LATEST=0.5}' at "
                   "'routingConfig.additionalVersionWeights' failed to satisfy constraint: Map keys"));
    auto latest = alias("both", "$LATEST");
    latest.weights = Weights{{"1", 0.5}};
    EXPECT_EQ(fault_of(store_.create_alias("shop", latest)),
              "InvalidParameterValueException: $LATEST is not supported for an alias pointing to more than 1 "
              "version");
}

TEST_F(Aliases, TakeWeightsFromZeroToOneOnly) {
    EXPECT_THAT(fault_of(split({{"2", 2.0}})), HasSubstr("Value '{2=2.0}' at"));
    EXPECT_THAT(fault_of(split({{"2", -1.0}})), HasSubstr("greater than or equal to 0.0"));
    EXPECT_THAT(fault_of(split({{"2", std::numeric_limits<double>::quiet_NaN()}})),
                StartsWith("ValidationException"));
    EXPECT_FALSE(store_.get_alias("shop", "live")->additional) << "a refused change changes nothing";
}

TEST_F(Aliases, ChangeOnlyOnTheRevisionThatTheCallerSaw) {
    const auto seen = store_.get_alias("shop", "live")->revision_id;
    const auto changed = split({{"2", 0.1}}, seen);
    ASSERT_TRUE(changed);
    EXPECT_NE(changed->revision_id, seen);
    EXPECT_THAT(fault_of(split({{"2", 0.5}}, seen)), StartsWith("PreconditionFailedException"));
    EXPECT_EQ(store_.get_alias("shop", "live")->weight, 0.1);
}

TEST_F(Aliases, HaveTheirOwnRevisionThatFunctionChangesLeaveAlone) {
    const auto seen = store_.get_alias("shop", "live")->revision_id;
    ASSERT_TRUE(store_.update_code("shop", {"bmV3", 3}, ""));
    EXPECT_EQ(store_.get_alias("shop", "live")->revision_id, seen);
}

TEST_F(Aliases, MustBeNamedAndExist) {
    EXPECT_THAT(fault_of(store_.create_alias("shop", alias("2024", "1"))),
                HasSubstr("(?!^[0-9]+$)([a-zA-Z0-9-_]+)"));
    EXPECT_THAT(fault_of(store_.create_alias("shop", alias("live", "1"))),
                StartsWith("ResourceConflictException: Alias already exists: arn:"));
    EXPECT_THAT(fault_of(store_.create_alias("shop", alias("x", "one"))), HasSubstr("(\\$LATEST|[0-9]+)"));
    EXPECT_THAT(fault_of(store_.create_alias("nope", alias("x", "1"))),
                StartsWith("ResourceNotFoundException"));
    EXPECT_EQ(fault_of(store_.get_alias("shop", "nope")),
              "ResourceNotFoundException: Cannot find alias arn: "
              "arn:aws:lambda:us-east-1:000000000000:function:shop:nope");
    EXPECT_THAT(fault_of(store_.update_alias("shop", alias("nope", "1"))),
                StartsWith("ResourceNotFoundException: Alias not found: "));
    EXPECT_TRUE(store_.remove_alias("shop", "nope")) << "what has gone already is no error";
}

}  // namespace
}  // namespace autotune::host
