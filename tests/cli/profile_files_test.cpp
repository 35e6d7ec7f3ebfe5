#include "cli/profile_files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "exporters/render/gzip.hpp"
#include "os/file.hpp"
#include "tests/support/profiles.hpp"

namespace autotune::cli {
namespace {

using autotune::testing::NamedStack;
using autotune::testing::profile_of;
using autotune::testing::stacks_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ProfileFiles : public ::testing::Test {
protected:
    void SetUp() override {
        std::string pattern = ::testing::TempDir() + "profiles.XXXXXX";
        folder_ = ::mkdtemp(pattern.data());
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }
    [[nodiscard]] std::string path(const std::string& name) const { return (folder_ / name).string(); }

    std::filesystem::path folder_;
};

TEST_F(ProfileFiles, AreWrittenAsTheirNameSays) {
    const Profile profile = profile_of({{{"main", "work"}, 3}}, "t");
    for (const auto& [name, begins] :
         std::vector<std::pair<std::string, std::string>>{{"a.html", "<!doctype html>"},
                                                          {"a.svg", "<?xml"},
                                                          {"a.folded", "main;work 3\n"},
                                                          {"a.folded.gz", "\x1f\x8b"},
                                                          {"a.pb.gz", "\x1f\x8b"},
                                                          {"a.speedscope.json", "{\"$schema\""},
                                                          {"a.perfetto-trace", "\x0a"},
                                                          {"a.chrome.json", "{\"displayTimeUnit\""},
                                                          {"a.json", "{\"title\""}}) {
        ASSERT_TRUE(write_profile(profile, path(name))) << name;
        EXPECT_TRUE(read_file(path(name)).value().starts_with(begins)) << name;
    }
    const auto again = read_profile(path("a.folded.gz"), ProfileUnit::count);
    ASSERT_TRUE(again);
    EXPECT_THAT(stacks_of(*again), ElementsAre(NamedStack({"main", "work"}, 3)));
}

TEST_F(ProfileFiles, OfAnUnknownKindAreRefusedWithWhatThereIs) {
    const auto refused = format_of("picture.png");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::invalid_argument);
    EXPECT_THAT(refused.error().message, HasSubstr(".speedscope.json"));
}

TEST_F(ProfileFiles, SayWhereTheTroubleIs) {
    ASSERT_TRUE(replace_file(path("bad.folded"), "a 1\nb\n"));
    EXPECT_EQ(read_profile(path("bad.folded"), ProfileUnit::count).error().message,
              path("bad.folded") + ":2: a line without a weight behind a blank");
    ASSERT_TRUE(replace_file(path("cut.gz"), render::gzip("a 1\n").substr(0, 15)));
    EXPECT_EQ(read_profile(path("cut.gz"), ProfileUnit::count).error().message,
              path("cut.gz") + ": the gzip data is damaged or cut");
    EXPECT_THAT(read_profile(path("none"), ProfileUnit::count).error().message, HasSubstr("No such file"));
}

}  // namespace
}  // namespace autotune::cli
