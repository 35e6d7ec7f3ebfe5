// Packages on their way: what is in those of others is not believed, and ours are for nobody else.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "cli/deployments.hpp"
#include "cli/regrouping.hpp"
#include "os/file.hpp"
#include "tests/cli/shop.hpp"

namespace autotune::cli {
namespace {

using ::testing::HasSubstr;

TEST_F(Regrouping, PackagesAreForTheAgentsUserOnly) {
    fs::create_directories(folder_ / "groups");
    fs::permissions(folder_ / "groups", fs::perms(0755));
    const auto made = fused();
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_EQ(fs::status(folder_ / "groups").permissions(), fs::perms(0700));
    EXPECT_EQ(fs::status(made->deploy.package).permissions(), fs::perms(0600));
}

TEST_F(Regrouping, WhatANameInAPackageLeadsToIsNotBelieved) {
    const fs::path code = folder_ / "code";
    const auto packed = [&] { return host::pack(code).value(); };
    fs::create_directories(code / "library");
    ASSERT_TRUE(replace_file(code / "app.py", "def main(event, context): pass\n"));
    fs::create_symlink("__init__.py", code / "library/__init__.py");
    shop_.items["price"].zip = packed();
    EXPECT_THAT(why_not(), HasSubstr("in circles"));

    // Links that stay inside, but are none of what is looked for.
    fs::remove(code / "library/__init__.py");
    ASSERT_TRUE(replace_file(code / "library/words.txt", "one"));
    fs::create_symlink("words.txt", code / "library/__init__.py");
    shop_.items["price"].zip = packed();
    const auto made = fused();
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_THAT(made->because, HasSubstr("files that are no code (\"library/words.txt\")"));
    fs::create_symlink("app.py", code / "autotune_group.json");
    shop_.items["price"].zip = packed();
    EXPECT_THAT(why_not(), HasSubstr("price is a group already"));
}

TEST_F(Regrouping, SplitTakesNothingByALink) {
    const fs::path code = folder_ / "code";
    const std::string config = R"({"entry":"front","members":{"front":{"handler":"app.main"},"price":{}}})";
    const auto why = [&] {
        shop_.items["front"].zip = host::pack(code).value();
        const auto back = split(place_, {"aws-lambda", "front"});
        return back ? "" : back.error().message;
    };
    fs::create_directories(code / "members");
    fs::create_directories(code / "other/front");
    ASSERT_TRUE(replace_file(code / "autotune_group.json", config));
    ASSERT_TRUE(replace_file(code / "other/front/app.py", "not of front"));
    fs::create_directory_symlink("../other/front", code / "members/front");
    EXPECT_THAT(why(), HasSubstr("has not the code"));
    fs::remove_all(code / "members");
    fs::create_directory_symlink("other", code / "members");
    EXPECT_THAT(why(), HasSubstr("has not the code"));
    fs::remove(code / "members");
    fs::create_directory_symlink("members", code / "members");
    EXPECT_THAT(why(), HasSubstr("in circles"));
    fs::remove(code / "members");
    fs::rename(code / "other", code / "members");
    EXPECT_EQ(why(), "");
    fs::rename(code / "autotune_group.json", code / "config");
    fs::create_symlink("config", code / "autotune_group.json");
    EXPECT_THAT(why(), HasSubstr("is no group"));
    fs::remove(code / "autotune_group.json");
    ASSERT_TRUE(replace_file(code / "autotune_group.json", config + std::string(2u << 20, ' ')));
    EXPECT_THAT(why(), HasSubstr("is no group"));
}

TEST_F(Regrouping, OldPackagesThatNobodyNeedsAreSwept) {
    const fs::path groups = folder_ / "groups";
    fs::create_directories(groups);
    for (const char* name : {"old.zip", "needed.zip", "young.zip"}) {
        ASSERT_TRUE(replace_file(groups / name, "zip"));
        if (name[0] != 'y') fs::last_write_time(groups / name, fs::file_time_type::clock::now() - std::chrono::hours(2));
    }
    sweep_groups(groups, {(groups / "needed.zip").string()});
    EXPECT_FALSE(fs::exists(groups / "old.zip"));
    EXPECT_TRUE(fs::exists(groups / "needed.zip"));
    EXPECT_TRUE(fs::exists(groups / "young.zip"));
}

}  // namespace
}  // namespace autotune::cli
