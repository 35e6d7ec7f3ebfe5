#include "cli/deployments.hpp"

#include <gtest/gtest.h>

#include "os/file.hpp"
#include "tests/knowledge/builders.hpp"

namespace autotune::cli {
namespace {

Action deployment(const std::string& function) {
    Action a = test::resize_action();
    a.target.name = function;
    a.change = Deploy{.code_hash = {}, .package = {}, .words = "app"};
    return a;
}
const Deploy& deploy_of(const LeftAction& d) { return std::get<Deploy>(d.action.change); }

TEST(Deployments, AreFoundWithTheirPackagesUntilTheyAreForgotten) {
    test::TempFolder folder;
    const std::filesystem::path in = folder / "deployments";
    EXPECT_TRUE(deployments_in(in).empty());
    ASSERT_TRUE(leave(in, deployment("a"), "one"));
    ASSERT_TRUE(leave(in, deployment("b"), "two"));
    ASSERT_TRUE(leave(in, deployment("a"), "three"));  // takes the first one's place
    const auto left = deployments_in(in);
    ASSERT_EQ(left.size(), 2u);
    EXPECT_EQ(left[0].action.target.name, "a");
    EXPECT_EQ(read_file(deploy_of(left[0]).package).value(), "three");
    EXPECT_NE(left[0].action.request, left[1].action.request);
    EXPECT_EQ(deploy_of(left[1]).code_hash, "P8TM/nRYcOLA2Z9x8w/wZWyN7dQcwdfT03aw2+aF4vM=");

    ASSERT_TRUE(forget(left[0]));
    sweep_packages(in, {deploy_of(left[0]).package});  // its change is under way
    EXPECT_TRUE(read_file(deploy_of(left[0]).package));
    sweep_packages(in, {});
    EXPECT_FALSE(read_file(deploy_of(left[0]).package));
    EXPECT_TRUE(read_file(deploy_of(left[1]).package));
}

TEST(Deployments, WhatIsLeftWhileTheOneBeforeIsBegunIsNotLost) {
    test::TempFolder folder;
    ASSERT_TRUE(leave(folder / "in", deployment("a"), "one"));
    const auto first = deployments_in(folder / "in");
    ASSERT_EQ(first.size(), 1u);
    ASSERT_TRUE(leave(folder / "in", deployment("a"), "two"));
    ASSERT_TRUE(forget(first[0]));
    const auto second = deployments_in(folder / "in");
    ASSERT_EQ(second.size(), 1u);
    EXPECT_EQ(read_file(deploy_of(second[0]).package).value(), "two");
    ASSERT_TRUE(forget(second[0]));
    EXPECT_TRUE(deployments_in(folder / "in").empty());
    EXPECT_TRUE(forget(second[0])) << "it is gone already";
}

TEST(Deployments, TheLatestCountsThoughTheClockWentBack) {
    test::TempFolder folder;
    ASSERT_TRUE(leave(folder / "in", deployment("a"), "one"));
    const auto now = deployments_in(folder / "in").at(0).file;
    std::filesystem::rename(now, folder / "in" / "a@09000000000000000000.json");
    ASSERT_TRUE(leave(folder / "in", deployment("a"), "two"));
    const auto left = deployments_in(folder / "in");
    ASSERT_EQ(left.size(), 1u);
    EXPECT_EQ(left[0].file.filename(), "a@09000000000000000001.json");
    EXPECT_EQ(read_file(deploy_of(left[0]).package).value(), "two");
}

// Somebody leaves one, and has not come to its end, or died there.
TEST(Deployments, APackageThatIsBeingLeftIsNotSwept) {
    test::TempFolder folder;
    ASSERT_TRUE(leave(folder / "in", deployment("a"), "one"));
    const std::filesystem::path package = deploy_of(deployments_in(folder / "in").at(0)).package;
    const auto action = deployments_in(folder / "in").at(0);
    const std::string text = read_file(action.file).value();
    std::filesystem::rename(package, package.string() + ".part");
    std::filesystem::remove(action.file);
    sweep_packages(folder / "in", {});
    ASSERT_TRUE(replace_file(action.file, text));
    sweep_packages(folder / "in", {});
    ASSERT_EQ(deployments_in(folder / "in").size(), 1u);
    EXPECT_EQ(read_file(package).value(), "one");
}

TEST(Deployments, WhatIsNoneIsPassedOver) {
    test::TempFolder folder;
    ASSERT_TRUE(replace_file(folder / "x.json", "{"));
    ASSERT_TRUE(replace_file(folder / "y.json", R"({"change":{"notify":{}}})"));
    EXPECT_TRUE(deployments_in(folder / "").empty());
}

TEST(Deployments, AnArnIsNoWayOutOfTheFolder) {
    test::TempFolder folder;
    ASSERT_TRUE(leave(folder / "in", deployment("../out"), "x"));
    EXPECT_EQ(deployments_in(folder / "in").size(), 1u);
    EXPECT_FALSE(read_file(folder / "out.json"));
}

}  // namespace
}  // namespace autotune::cli
