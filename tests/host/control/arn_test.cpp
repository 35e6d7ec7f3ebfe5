#include "host/control/arn.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/host/control/support.hpp"

namespace autotune::host {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

const Home home;

std::pair<std::string, std::string> parsed(std::string_view text) {
    const auto name = parse_function_name(text, home);
    return name ? std::pair{name->name, name->qualifier}
                : std::pair{name.error().message, std::string("(error)")};
}

using Names = std::pair<std::string, std::string>;

TEST(FunctionName, IsAcceptedInEveryFormThatLambdaAccepts) {
    for (const auto* text :
         {"shop", "function:shop", "000000000000:function:shop", "us-east-1:000000000000:function:shop",
          "arn:aws:lambda:us-east-1:000000000000:function:shop"}) {
        EXPECT_EQ(parsed(text), Names("shop", "")) << text;
        EXPECT_EQ(parsed(std::string(text) + ":live"), Names("shop", "live")) << text;
        EXPECT_EQ(parsed(std::string(text) + ":$LATEST"), Names("shop", "$LATEST")) << text;
        EXPECT_EQ(parsed(std::string(text) + ":7"), Names("shop", "7")) << text;
    }
}

TEST(FunctionName, RefusesWhatIsNoName) {
    for (const auto* text : {"", "no spaces", "a/b", "shop:", ":shop", "shop:live:7", "invalid:function:name",
                             "../etc", "arn:aws:s3:us-east-1:000000000000:function:shop"})
        EXPECT_THAT(parsed(text).first,
                    StartsWith("ValidationException: 1 validation error detected: Value '"))
            << text;
}

TEST(FunctionName, IsAtMost64CharactersLong) {
    EXPECT_EQ(parsed(std::string(64, 'a')).first, std::string(64, 'a'));
    EXPECT_THAT(parsed(std::string(65, 'a')).first,
                HasSubstr("Member must have length less than or equal to 64"));
    EXPECT_THAT(parsed(std::string(141, 'a')).first,
                HasSubstr("Member must have length less than or equal to 140"));
}

TEST(FunctionName, OfAnotherRegionOrAccountIsNotHere) {
    EXPECT_EQ(parsed("arn:aws:lambda:eu-west-1:000000000000:function:shop").first,
              "ResourceNotFoundException: Functions from 'eu-west-1' are not reachable in this region "
              "('us-east-1')");
    EXPECT_THAT(parsed("arn:aws:lambda:us-east-1:123456789012:function:shop").first,
                StartsWith("ResourceNotFoundException: "));
}

TEST(FunctionName, AndQualifierParameterMustAgree) {
    EXPECT_EQ(parse_qualified_name("shop:live", "live", home)->qualifier, "live");
    EXPECT_EQ(parse_qualified_name("shop", "7", home)->qualifier, "7");
    EXPECT_EQ(
        fault_of(parse_qualified_name("shop:live", "7", home)),
        "InvalidParameterValueException: The derived qualifier from the function name does not match the "
        "specified qualifier.");
    EXPECT_THAT(fault_of(parse_qualified_name("shop", "a b", home)), StartsWith("ValidationException"));
}

TEST(FunctionArn, EndsInTheQualifierWhenThereIsOne) {
    EXPECT_EQ(function_arn(home, "shop"), "arn:aws:lambda:us-east-1:000000000000:function:shop");
    EXPECT_EQ(function_arn(home, "shop", "7"), "arn:aws:lambda:us-east-1:000000000000:function:shop:7");
}

TEST(VersionNumber, CountsFromOneWithoutLeadingZeros) {
    EXPECT_TRUE(is_version_number("1"));
    EXPECT_TRUE(is_version_number("1200"));
    for (const auto* text : {"", "0", "01", "$LATEST", "1a", "-1", "99999999999999999999"})
        EXPECT_FALSE(is_version_number(text)) << text;
}

TEST(AliasName, IsAWordThatIsNotANumber) {
    EXPECT_TRUE(is_alias_name("live-2_x"));
    EXPECT_TRUE(is_alias_name("2nd"));
    for (const auto& text : {std::string(), std::string("2024"), std::string("a b"), std::string("$LATEST"),
                             std::string(129, 'a')})
        EXPECT_FALSE(is_alias_name(text)) << text;
}

}  // namespace
}  // namespace autotune::host
