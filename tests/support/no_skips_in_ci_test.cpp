#include "tests/support/no_skips_in_ci.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

namespace autotune::test {
namespace {

// True when the program of skipping tests passed, run with CI as given and those tests.
bool passes(const std::string& ci, const std::string& tests) {
    const std::string command = "env -u CI " + ci + " " + AUTOTUNE_SKIPPING_PROGRAM +
                                " --gtest_filter=" + tests + " > /dev/null 2>&1";
    return std::system(command.c_str()) == 0;
}

TEST(NoSkipsInCi, ASkipIsAFailureThere) {
    EXPECT_FALSE(passes("CI=true", "Skipping.WithAReason"));
    EXPECT_FALSE(passes("CI=true", "Skipping.WithoutAReason"));
    EXPECT_FALSE(passes("CI=1", "SkippingSuite.*"));
}

TEST(NoSkipsInCi, WhatIsOptionalMayBeSkippedThereToo) {
    EXPECT_TRUE(passes("CI=true", "Skipping.OfWhatIsOptional"));
    EXPECT_TRUE(passes("CI=true", "Skipping.Never"));
}

TEST(NoSkipsInCi, ElsewhereEveryTestMaySkip) {
    EXPECT_TRUE(passes("", "*"));
    EXPECT_TRUE(passes("CI=false", "*"));
}

TEST(NoSkipsInCi, TheReasonMustBeginWithTheWord) {
    EXPECT_TRUE(may_skip("optional: promtool", "true"));
    EXPECT_FALSE(may_skip("not optional: root", "true"));
}

}  // namespace
}  // namespace autotune::test
