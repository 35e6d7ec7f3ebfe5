#include "cli/approvals.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "tests/knowledge/builders.hpp"

namespace autotune::cli {
namespace {

TEST(Approvals, AreLeftReadAndForgotten) {
    const test::TempFolder temporary;
    const auto folder = temporary / "state" / "approvals";
    EXPECT_TRUE(approvals_in(folder).empty()) << "there is no folder yet";
    ASSERT_TRUE(leave(folder, {ChangeId(12), "ada"}));
    ASSERT_TRUE(leave(folder, {ChangeId(3), "grace"}));
    ASSERT_TRUE(leave(folder, {ChangeId(3), "grace"})) << "twice is once";
    auto left = approvals_in(folder);
    ASSERT_EQ(left.size(), 2u);
    EXPECT_EQ(left[0].id, ChangeId(3));
    EXPECT_EQ(left[1].who, "ada");
    EXPECT_TRUE(forget(folder, ChangeId(3)));
    EXPECT_TRUE(forget(folder, ChangeId(3))) << "gone already";
    EXPECT_EQ(approvals_in(folder).size(), 1u);
}

TEST(Approvals, OfOtherNamesOrEmptyAreNone) {
    const test::TempFolder folder;
    for (const char* name : {"12.tmp", "x", "-1", "0", "99999999999999999999", "7"})
        std::ofstream(folder / name) << (std::string(name) == "7" ? "" : "ada\n");
    EXPECT_TRUE(approvals_in(folder / "").empty());
}

// Opened for reading, a pipe that nobody writes to would keep the agent for ever.
TEST(Approvals, OnlyFilesAreRead) {
    const test::TempFolder folder;
    ASSERT_EQ(mkfifo((folder / "7").c_str(), 0600), 0);
    ASSERT_TRUE(leave(folder / "", {ChangeId(8), "ada"}));
    const auto left = approvals_in(folder / "");
    ASSERT_EQ(left.size(), 1u);
    EXPECT_EQ(left[0].id, ChangeId(8));
}

}  // namespace
}  // namespace autotune::cli
