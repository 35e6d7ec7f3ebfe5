#include "core/json_depth.hpp"

#include <gtest/gtest.h>

#include <string>

namespace autotune {
namespace {

TEST(JsonDepth, CountsWhatIsWithinEachOther) {
    EXPECT_FALSE(nests_deeper_than("", 0));
    EXPECT_FALSE(nests_deeper_than("17", 0));
    EXPECT_TRUE(nests_deeper_than("[]", 0));
    EXPECT_FALSE(nests_deeper_than(R"({"a":[1,{"b":[]}]})", 4));
    EXPECT_TRUE(nests_deeper_than(R"({"a":[1,{"b":[]}]})", 3));
    EXPECT_FALSE(nests_deeper_than("[[],[],[],[]]", 2)) << "beside each other";
}

TEST(JsonDepth, PassesOverTexts) {
    EXPECT_FALSE(nests_deeper_than(R"(["[[[[{{{{"])", 1));
    EXPECT_FALSE(nests_deeper_than(R"(["\"[[","\\",1])", 1)) << "a quote that is escaped ends no text";
    EXPECT_TRUE(nests_deeper_than(R"(["\\",[1]])", 1)) << "a backslash that is escaped escapes nothing";
}

TEST(JsonDepth, TakesAnyText) {
    EXPECT_FALSE(nests_deeper_than("]]]]}}}}[", 1));
    EXPECT_FALSE(nests_deeper_than("\"[[[[", 0));
    EXPECT_FALSE(nests_deeper_than("\"\\", 0));
    EXPECT_TRUE(nests_deeper_than(std::string(1'000'000, '[')));
}

}  // namespace
}  // namespace autotune
