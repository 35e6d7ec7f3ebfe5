// Symbols that come as text: a JIT's perf map, the kernel's kallsyms.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "agent/symbols/jit_symbols.hpp"
#include "agent/symbols/kernel_symbols.hpp"
#include "agent/symbols/perf_map.hpp"

namespace autotune::symbols {
namespace {

using namespace std::chrono_literals;

// A map, and names out of its text.
struct Read {
    explicit Read(std::string of, std::size_t most = 1000) : text(std::move(of)), map(most) { taken = map.add(text, 0); }
    std::string find(std::uint64_t address) {
        const auto at = map.find(address);
        return at ? text.substr(*at, text.find('\n', *at) - *at) : "";
    }
    std::string text;
    PerfMap map;
    std::size_t taken = 0;
};

TEST(PerfMap, FindsTheFunctionThatHoldsAnAddress) {
    Read map(
        "3ef414c0 398 RegExp:[\\s]+\n"
        "0x3ef41880 60 LazyCompile:~handler /var/task/index.js:3\n"
        "bad line\n"
        "3ef42000 0 empty\n");
    EXPECT_EQ(map.map.size(), 2u);
    EXPECT_EQ(map.find(0x3ef41880), "LazyCompile:~handler /var/task/index.js:3");
    EXPECT_EQ(map.find(0x3ef418df), "LazyCompile:~handler /var/task/index.js:3");
    EXPECT_EQ(map.find(0x3ef418e0), "");
    EXPECT_EQ(map.find(1), "");
}

TEST(PerfMap, PrefersWhatWasWrittenLater) {
    EXPECT_EQ(Read("1000 100 old\n1000 80 new\n").find(0x1010), "new");
}

TEST(PerfMap, PrefersWhatWasAddedLater) {
    Read map("1000 100 old\n3000 10 other\n");
    EXPECT_EQ(map.find(0x1010), "old");
    const std::string more = "1000 80 new\n2000 10 more\n";
    map.map.add(more, static_cast<std::uint32_t>(map.text.size()));
    map.text += more;
    EXPECT_EQ(map.find(0x1010), "new");
    EXPECT_EQ(map.find(0x2001), "more");
    EXPECT_EQ(map.find(0x3001), "other");
    EXPECT_EQ(map.map.size(), 3u);
}

TEST(PerfMap, LeavesOutALineThatIsStillBeingWritten) {
    Read map("1000 100 whole\n2000 100 hal");
    EXPECT_EQ(map.map.size(), 1u);
    EXPECT_EQ(map.taken, 15u);
}

TEST(PerfMap, LooksUnderSmallerFunctionsInside) {
    Read map("1000 1000 outer\n1100 10 inner\n");
    EXPECT_EQ(map.find(0x1105), "inner");
    EXPECT_EQ(map.find(0x1200), "outer");
}

TEST(PerfMap, CountsWhatFindsNoRoom) {
    Read map("1000 10 a\n2000 10 b\n1000 10 c\n3000 10 d\n4000 10 e\n", 3);
    EXPECT_EQ(map.map.size(), 3u);
    EXPECT_EQ(map.map.dropped(), 1u) << "a was overwritten by c and takes no room";
    EXPECT_EQ(map.find(0x1001), "c");
    EXPECT_EQ(map.find(0x4001), "");
}

// Lines without end that tell one place anew must not make it settle for each few of them.
TEST(PerfMap, TakesWhatIsToldAnewWhenItIsFull) {
    std::ostringstream text;
    for (int i = 0; i < 1598; ++i) text << std::hex << 0x1000 + 16 * i << " 10 f" << std::dec << i << '\n';
    for (int i = 0; i < 5; ++i) text << "1000 10 again" << i << '\n';
    text << "100000 10 new\n";
    Read map(text.str(), 1600);
    EXPECT_EQ(map.find(0x1000), "again4");
    EXPECT_EQ(map.find(0x1010), "f1");
    EXPECT_EQ(map.find(0x100000), "");
    EXPECT_EQ(map.map.dropped(), 1u);
}

class JitFile : public ::testing::Test {
protected:
    void SetUp() override { std::filesystem::remove(path_); }
    void TearDown() override { std::filesystem::remove(path_); }
    std::string path_ = ::testing::TempDir() + "/perf-" + std::to_string(getpid()) + "-jit.map";
    JitSymbols jit_;
};

// As a JIT that compiles without end leaves it: 100 MB.
TEST_F(JitFile, OfAnySizeTakesBoundedMemory) {
    {
        std::ofstream file(path_);
        std::string block;
        for (std::uint64_t i = 0; i < 1'700'000; ++i) {
            char line[96];
            block.append(line, static_cast<std::size_t>(std::snprintf(
                                   line, sizeof line, "%llx 40 LazyCompile:*function%07llu /var/task/index.js:1:1\n",
                                   static_cast<unsigned long long>(0x10000000 + i * 64),
                                   static_cast<unsigned long long>(i))));
            if (block.size() > (1u << 20)) file << block, block.clear();
        }
        file << block;
    }
    ASSERT_GT(std::filesystem::file_size(path_), 100'000'000u);
    EXPECT_EQ(jit_.find(0x10000000, path_, ""), "LazyCompile:*function0000000 /var/task/index.js:1:1");
    for (int i = 0; i < 10; ++i) (void)jit_.find(1, path_, "");  // each reads a part
    EXPECT_EQ(jit_.find(0x10000000 + 64 * 999'999, path_, ""), "LazyCompile:*function0999999 /var/task/index.js:1:1");
    EXPECT_LE(jit_.bytes(), 18u << 20);
    EXPECT_EQ(jit_.dropped(), 700'000u);
}

TEST_F(JitFile, KeepsItsNamesWhenTheFileIsGone) {
    std::ofstream(path_) << "1000 100 first\n";
    EXPECT_EQ(jit_.find(0x1010, path_, ""), "first");
    std::filesystem::remove(path_);
    EXPECT_EQ(jit_.find(0x1010, path_, ""), "first");
}

TEST_F(JitFile, IsReadAnewWhenItIsAnother) {
    std::ofstream(path_) << "1000 100 first\n2000 100 second\n";
    EXPECT_EQ(jit_.find(0x1010, path_, ""), "first");
    std::ofstream(path_) << "3000 100 cut\n";  // the same file, written from its beginning
    EXPECT_EQ(jit_.find(0x3010, path_, ""), "cut");
    EXPECT_EQ(jit_.find(0x2010, path_, ""), "");
}

TEST_F(JitFile, IsReadAgainWhenItHasGrown) {
    std::ofstream(path_) << "1000 100 first\n";
    EXPECT_EQ(jit_.find(0x1000, path_, ""), "first");
    EXPECT_EQ(jit_.find(0x2000, path_, ""), "");
    std::ofstream(path_, std::ios::app) << "2000 100 second\n";
    EXPECT_EQ(jit_.find(0x2000, path_, ""), "second");
}

// Pids come again: of the dead process before there is still a map.
TEST_F(JitFile, OfAnEarlierProcessNamesNothing) {
    const auto unix_ns = [](std::chrono::system_clock::time_point t) {
        return std::chrono::duration_cast<std::chrono::nanoseconds>(t.time_since_epoch()).count();
    };
    const auto now = std::chrono::system_clock::now();
    std::ofstream(path_) << "1000 100 dead\n";
    std::filesystem::last_write_time(path_, std::filesystem::file_time_type::clock::now() - 1h);
    EXPECT_EQ(jit_.find(0x1010, path_, "", unix_ns(now)), "");
    EXPECT_EQ(jit_.find(0x1010, path_, path_, unix_ns(now)), "");
    std::ofstream(path_, std::ios::app) << "2000 100 alive\n";
    EXPECT_EQ(jit_.find(0x2010, path_, "", unix_ns(now)), "alive");
    JitSymbols of_an_old_one;
    std::filesystem::last_write_time(path_, std::filesystem::file_time_type::clock::now() - 1h);
    EXPECT_EQ(of_an_old_one.find(0x1010, path_, "", unix_ns(now - 2h)), "dead");
}

TEST_F(JitFile, IsNotFollowedOutByALink) {
    const std::string target = path_ + ".target";
    std::ofstream(target) << "1000 100 secret\n";
    std::filesystem::create_symlink(target, path_);
    EXPECT_EQ(jit_.find(0x1000, path_, ""), "");
    std::filesystem::remove(target);
}

TEST(JitKind, TellsNodeFromJvm) {
    EXPECT_EQ(jit_kind("LazyCompile:*handler /a.js:1", false), FrameKind::node);
    EXPECT_EQ(jit_kind("JS:~run", true), FrameKind::node);
    EXPECT_EQ(jit_kind("Lcom/example/App;::main", true), FrameKind::jvm);
    EXPECT_EQ(jit_kind("something", false), FrameKind::native);
}

TEST(KernelSymbols, FindsTextOfKernelAndModules) {
    const KernelSymbols symbols = KernelSymbols::parse(
        "ffffffff81000000 T _stext\n"
        "ffffffff81000100 t do_syscall_64\n"
        "ffffffff82000000 D some_data\n"
        "ffffffffc0000000 t nf_hook\t[nf_tables]\n");
    EXPECT_EQ(symbols.find(0xffffffff81000150), "do_syscall_64");
    EXPECT_EQ(symbols.find(0xffffffffc0000010), "nf_hook");
    EXPECT_EQ(symbols.find(0x1000), "");
}

TEST(KernelSymbols, AreNoneWhenTheKernelHidesThem) {
    EXPECT_TRUE(KernelSymbols::parse("0000000000000000 T _stext\n0000000000000000 t x\n").empty());
}

}  // namespace
}  // namespace autotune::symbols
