#include "os/plain_file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "os/file.hpp"

namespace autotune {
namespace {

namespace fs = std::filesystem;

class PlainFile : public ::testing::Test {
protected:
    PlainFile() {
        std::string pattern = ::testing::TempDir() + "plain-XXXXXX";
        folder_ = mkdtemp(pattern.data());
    }
    ~PlainFile() override { fs::remove_all(folder_); }
    fs::path folder_;
};

TEST_F(PlainFile, IsReadUpToALimit) {
    ASSERT_TRUE(replace_file(folder_ / "a", "four"));
    EXPECT_EQ(read_plain_file(folder_ / "a", 4).value_or(""), "four");
    EXPECT_EQ(read_plain_file(folder_ / "a", 3).error().code, Errc::unsupported);
    EXPECT_EQ(read_plain_file(folder_ / "none", 3).error().code, Errc::not_found);
    EXPECT_TRUE(is_plain_file(folder_ / "a"));
    EXPECT_TRUE(is_plain_folder(folder_));
    EXPECT_FALSE(is_there(folder_ / "none"));
}

TEST_F(PlainFile, IsNoLinkPipeDeviceOrFolder) {
    ASSERT_TRUE(replace_file(folder_ / "a", "text"));
    fs::create_directory(folder_ / "folder");
    fs::create_symlink("a", folder_ / "link");
    fs::create_symlink("self", folder_ / "self");
    fs::create_symlink("/dev/zero", folder_ / "zeros");
    fs::create_directory_symlink("folder", folder_ / "way");
    ASSERT_EQ(::mkfifo((folder_ / "pipe").c_str(), 0600), 0);
    for (const char* name : {"link", "self", "zeros", "pipe", "folder", "way"}) {
        const auto read = read_plain_file(folder_ / name, 100);
        ASSERT_FALSE(read) << name;
        EXPECT_EQ(read.error().code, Errc::unsupported) << name;
        EXPECT_FALSE(is_plain_file(folder_ / name)) << name;
        EXPECT_TRUE(is_there(folder_ / name)) << name;
    }
    EXPECT_FALSE(is_plain_folder(folder_ / "way"));
    EXPECT_FALSE(is_plain_folder(folder_ / "self"));
    EXPECT_EQ(read_plain_file("/dev/zero", 100).error().code, Errc::unsupported);
}

}  // namespace
}  // namespace autotune
