#include "agent/symbols/module_cache.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "agent/symbols/xz.hpp"
#include "os/file.hpp"

namespace autotune::symbols {
namespace {

namespace fs = std::filesystem;

class Cache : public ::testing::Test {
protected:
    static FileIdentity pin(ModuleCache& cache, const std::string& path, const std::string& root = "") {
        Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
        const auto file = identity_of(fd.get());
        cache.pin(*file, std::move(fd), {.root = root, .path = path.substr(root.size())});
        return *file;
    }
    static bool knows(ModuleCache& cache, const FileIdentity& file, const char* function) {
        return cache.image(file) != nullptr && cache.image(file)->range_of(function).has_value();
    }
    // The place of a function that no stripped file names, from the whole one.
    static std::uint64_t address_of(const char* function) {
        const Fd fd(open(AUTOTUNE_NATIVE_PROGRAM, O_RDONLY | O_CLOEXEC));
        return *ElfImage::read(fd.get())->address_of(function);
    }

    Cache() { fs::create_directories(folder_); }
    ~Cache() override { fs::remove_all(folder_); }
    std::string folder_ = ::testing::TempDir() + "/modules-" + std::to_string(getpid());
};

TEST_F(Cache, ReadsAFileOnceItIsAskedFor) {
    ModuleCache cache(1 << 20);
    const FileIdentity file = pin(cache, AUTOTUNE_NATIVE_PROGRAM);
    EXPECT_EQ(cache.bytes(), 0u);
    ASSERT_NE(cache.image(file), nullptr);
    EXPECT_GT(cache.bytes(), 0u);
    EXPECT_TRUE(knows(cache, file, "main"));
}

TEST_F(Cache, DropsTheLeastRecentlyUsedBeyondItsBoundAndReadsItAgain) {
    ModuleCache cache(1);
    const FileIdentity first = pin(cache, AUTOTUNE_NATIVE_PROGRAM);
    const FileIdentity second = pin(cache, AUTOTUNE_STRIPPED_LIBRARY);
    EXPECT_TRUE(knows(cache, first, "main"));
    const std::size_t one = cache.bytes();
    EXPECT_NE(cache.image(second), nullptr);
    EXPECT_EQ(cache.counts().evicted, 1u);
    EXPECT_EQ(cache.counts().builds, 1u);
    EXPECT_TRUE(knows(cache, first, "main")) << "its descriptor was kept";
    EXPECT_EQ(cache.bytes(), one);
}

TEST_F(Cache, HoldsCopiesOfOneBuildOnce) {
    fs::copy_file(AUTOTUNE_NATIVE_PROGRAM, folder_ + "/copy");
    ModuleCache cache(1 << 20);
    const FileIdentity file = pin(cache, AUTOTUNE_NATIVE_PROGRAM);
    const FileIdentity copy = pin(cache, folder_ + "/copy");
    EXPECT_TRUE(knows(cache, file, "main"));
    const std::size_t one = cache.bytes();
    EXPECT_TRUE(knows(cache, copy, "main"));
    EXPECT_EQ(cache.bytes(), one);
}

TEST_F(Cache, GivesACorruptFileNoSymbols) {
    ASSERT_TRUE(replace_file(folder_ + "/bad", "no elf at all"));
    ModuleCache cache(1 << 20);
    const FileIdentity file = pin(cache, folder_ + "/bad");
    ASSERT_NE(cache.image(file), nullptr);
    EXPECT_EQ(cache.image(file)->size(), 0u);
    EXPECT_EQ(cache.counts().corrupt, 1u);
}

TEST_F(Cache, FindsWhatIsCompressedInTheFile) {
    ModuleCache cache(1 << 20);
    const FileIdentity file = pin(cache, AUTOTUNE_NATIVE_PROGRAM ".mini");
    ASSERT_TRUE(knows(cache, file, "large_share"));
    EXPECT_EQ(cache.image(file)->find(address_of("large_share") + 1)->name, "large_share");
}

TEST_F(Cache, FindsADebugFileByBuildId) {
    fs::create_directories(folder_ + "/usr/lib/debug/.build-id/01");
    fs::copy_file(AUTOTUNE_NATIVE_PROGRAM ".debug",
                  folder_ + "/usr/lib/debug/.build-id/01/23456789abcdef0123456789abcdef01234567.debug");
    fs::copy_file(AUTOTUNE_NATIVE_PROGRAM ".stripped", folder_ + "/program");
    ModuleCache cache(1 << 20);
    EXPECT_TRUE(knows(cache, pin(cache, folder_ + "/program", folder_), "large_share"));
}

TEST_F(Cache, FindsADebugFileByItsLink) {
    // The link's file beside the program, in .debug, and below /usr/lib/debug.
    for (const std::string place : {"/bin/", "/bin/.debug/", "/usr/lib/debug/bin/"}) {
        SCOPED_TRACE(place);
        const std::string root = folder_ + "/root";
        fs::create_directories(root + "/bin");
        fs::create_directories(root + place);
        fs::copy_file(AUTOTUNE_NATIVE_PROGRAM ".stripped", root + "/bin/program");
        fs::copy_file(AUTOTUNE_NATIVE_PROGRAM ".debug", root + place + fs::path(AUTOTUNE_NATIVE_PROGRAM ".debug").filename().string());
        ModuleCache cache(1 << 20);
        EXPECT_TRUE(knows(cache, pin(cache, root + "/bin/program", root), "large_share"));
        fs::remove_all(root);
    }
}

TEST_F(Cache, DoesNotTakeAnotherBuildsDebugFile) {
    fs::copy_file(AUTOTUNE_NATIVE_PROGRAM ".stripped", folder_ + "/program");
    fs::copy_file(AUTOTUNE_INLINED_PROGRAM, folder_ + "/" + fs::path(AUTOTUNE_NATIVE_PROGRAM ".debug").filename().string());
    ModuleCache cache(1 << 20);
    const FileIdentity file = pin(cache, folder_ + "/program", folder_);
    EXPECT_FALSE(knows(cache, file, "outer"));
    EXPECT_FALSE(knows(cache, file, "large_share"));
}

TEST_F(Cache, GivesLinesWithinTheBoundOnly) {
    ModuleCache small(1000);
    const FileIdentity file = pin(small, AUTOTUNE_INLINED_PROGRAM);
    const auto outer = small.image(file)->range_of("outer");
    ASSERT_TRUE(outer);
    EXPECT_TRUE(small.places(file, outer->address).empty());
    EXPECT_EQ(small.counts().no_room, 1u);
    ModuleCache large(8 << 20);
    const FileIdentity again = pin(large, AUTOTUNE_INLINED_PROGRAM);
    ASSERT_NE(large.image(again), nullptr);
    const std::size_t bytes = large.bytes();
    EXPECT_FALSE(large.places(again, outer->address).empty());
    EXPECT_GT(large.bytes(), bytes) << "lines are counted";
}

TEST(DebugLink, ReadsNameAndChecksum) {
    using namespace std::string_literals;
    const DebugLink link = parse_debug_link("abc.debug\0\0\0\x78\x56\x34\x12"s);
    EXPECT_EQ(link.name, "abc.debug");
    EXPECT_EQ(link.checksum, 0x12345678u);
    for (const auto& bad : {""s, "abc"s, "abc\0"s, "abc\0\1\2\3"s, "\0\0\0\0\0\0\0\0"s, "../up\0\0\0\1\2\3\4"s, "..\0\0\1\2\3\4"s})
        EXPECT_EQ(parse_debug_link(bad).name, "") << bad.size();
}

TEST(Xz, StopsAtItsLimits) {
    // 40 MiB of zeros.
    const auto bomb = read_file(AUTOTUNE_XZ_BOMB);
    ASSERT_TRUE(bomb);
    EXPECT_EQ(unxz(*bomb, {.output = 1 << 20}).error().code, Errc::resource_exhausted);
    EXPECT_EQ(unxz(*bomb, {.output = 64 << 20, .memory = 1 << 10}).error().code, Errc::resource_exhausted);
    EXPECT_EQ(unxz(*bomb)->size(), 40u << 20);
    EXPECT_EQ(unxz(bomb->substr(0, bomb->size() / 2)).error().code, Errc::corrupt);
    EXPECT_EQ(unxz("not xz").error().code, Errc::corrupt);
    EXPECT_EQ(unxz("").error().code, Errc::corrupt);
}

}  // namespace
}  // namespace autotune::symbols
