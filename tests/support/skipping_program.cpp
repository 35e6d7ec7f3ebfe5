// Tests that skip, for no_skips_in_ci_test: run by it, never by ctest.
#include <gtest/gtest.h>

TEST(Skipping, WithAReason) { GTEST_SKIP() << "needs root"; }
TEST(Skipping, WithoutAReason) { GTEST_SKIP(); }
TEST(Skipping, OfWhatIsOptional) { GTEST_SKIP() << "optional: no checker here"; }
TEST(Skipping, Never) {}

class SkippingSuite : public ::testing::Test {
protected:
    static void SetUpTestSuite() { GTEST_SKIP() << "no kernel"; }
};
TEST_F(SkippingSuite, AsAWhole) {}
