#include "os/file.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "os/file_replacement.hpp"

namespace autotune {
namespace {

namespace fs = std::filesystem;

class ReplaceFile : public ::testing::Test {
protected:
    ReplaceFile() {
        std::string pattern = ::testing::TempDir() + "replace-XXXXXX";
        folder_ = mkdtemp(pattern.data());
    }
    ~ReplaceFile() override { fs::remove_all(folder_); }
    fs::path folder_;
};

TEST_F(ReplaceFile, MakesOneAndReplacesIt) {
    ASSERT_TRUE(replace_file(folder_ / "a", "one"));
    ASSERT_TRUE(replace_file(folder_ / "a", "two"));
    EXPECT_EQ(read_file(folder_ / "a").value_or(""), "two");
}

TEST_F(ReplaceFile, WritesIntoWhatIsNoFileAndLeavesItWhatItIs) {
    const fs::path pipe = folder_ / "pipe";
    ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
    const Fd end(open(pipe.c_str(), O_RDWR | O_CLOEXEC));
    ASSERT_TRUE(replace_file(pipe, "text"));
    char got[8] = {};
    EXPECT_EQ(read(end.get(), got, sizeof got), 4);
    EXPECT_STREQ(got, "text");
    EXPECT_TRUE(fs::is_fifo(pipe));
}

TEST_F(ReplaceFile, LeavesItsPermissionsToAFile) {
    ASSERT_TRUE(replace_file(folder_ / "a", "one"));
    fs::permissions(folder_ / "a", fs::perms::owner_read | fs::perms::owner_write);
    ASSERT_TRUE(replace_file(folder_ / "a", "two"));
    EXPECT_EQ(static_cast<int>(fs::status(folder_ / "a").permissions()), 0600);
}

TEST_F(ReplaceFile, GivesANewFileThePermissionsOfTheUmask) {
    const mode_t before = umask(077);
    const Status written = replace_file(folder_ / "a", "one");
    umask(before);
    ASSERT_TRUE(written);
    EXPECT_EQ(static_cast<int>(fs::status(folder_ / "a").permissions()), 0600);
}

TEST_F(ReplaceFile, ReplacesWhatALinkLeadsTo) {
    ASSERT_TRUE(replace_file(folder_ / "a", "one"));
    fs::create_symlink("a", folder_ / "link");
    ASSERT_TRUE(replace_file(folder_ / "link", "two"));
    EXPECT_TRUE(fs::is_symlink(folder_ / "link"));
    EXPECT_EQ(read_file(folder_ / "a").value_or(""), "two");
}

TEST_F(ReplaceFile, BitByBitShowsNothingBeforeItIsWhole) {
    ASSERT_TRUE(replace_file(folder_ / "a", "old"));
    auto file = FileReplacement::begin(folder_ / "a");
    ASSERT_TRUE(file) << file.error().message;
    ASSERT_TRUE(file->write("new, "));
    ASSERT_TRUE(file->write("longer"));
    EXPECT_EQ(read_file(folder_ / "a").value_or(""), "old");
    ASSERT_TRUE(file->commit());
    EXPECT_EQ(read_file(folder_ / "a").value_or(""), "new, longer");
}

TEST_F(ReplaceFile, WhatIsNotCommittedLeavesNothing) {
    ASSERT_TRUE(replace_file(folder_ / "a", "old"));
    {
        auto file = FileReplacement::begin(folder_ / "a");
        ASSERT_TRUE(file && file->write("half"));
    }
    EXPECT_EQ(read_file(folder_ / "a").value_or(""), "old");
    EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()), 1);
}

TEST_F(ReplaceFile, SaysWhereItCannotBe) {
    const Status written = replace_file(folder_ / "none" / "a", "x");
    ASSERT_FALSE(written);
    EXPECT_NE(written.error().message.find((folder_ / "none" / "a").string()), std::string::npos) << written.error().message;
}

}  // namespace
}  // namespace autotune
