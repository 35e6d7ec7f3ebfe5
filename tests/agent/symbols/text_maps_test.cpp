// Symbols that come as text: a JIT's perf map, the kernel's kallsyms.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "agent/symbols/jit_symbols.hpp"
#include "agent/symbols/kernel_symbols.hpp"
#include "agent/symbols/perf_map.hpp"

namespace autotune::symbols {
namespace {

TEST(PerfMap, FindsTheFunctionThatHoldsAnAddress) {
    const PerfMap map = PerfMap::parse(
        "3ef414c0 398 RegExp:[\\s]+\n"
        "0x3ef41880 60 LazyCompile:~handler /var/task/index.js:3\n"
        "bad line\n"
        "3ef42000 0 empty\n");
    EXPECT_EQ(map.size(), 2u);
    EXPECT_EQ(map.find(0x3ef41880), "LazyCompile:~handler /var/task/index.js:3");
    EXPECT_EQ(map.find(0x3ef418df), "LazyCompile:~handler /var/task/index.js:3");
    EXPECT_EQ(map.find(0x3ef418e0), "");
    EXPECT_EQ(map.find(1), "");
}

TEST(PerfMap, PrefersWhatWasWrittenLater) {
    const PerfMap map = PerfMap::parse("1000 100 old\n1000 80 new\n");
    EXPECT_EQ(map.find(0x1010), "new");
}

TEST(PerfMap, LeavesOutALineThatIsStillBeingWritten) {
    EXPECT_EQ(PerfMap::parse("1000 100 whole\n2000 100 hal").size(), 1u);
}

TEST(PerfMap, LooksUnderSmallerFunctionsInside) {
    const PerfMap map = PerfMap::parse("1000 1000 outer\n1100 10 inner\n");
    EXPECT_EQ(map.find(0x1105), "inner");
    EXPECT_EQ(map.find(0x1200), "outer");
}

class JitFile : public ::testing::Test {
protected:
    void SetUp() override { std::filesystem::remove(path_); }
    void TearDown() override { std::filesystem::remove(path_); }
    std::string path_ = ::testing::TempDir() + "/perf-" + std::to_string(getpid()) + "-jit.map";
    JitSymbols jit_;
};

TEST_F(JitFile, IsReadAgainWhenItHasGrown) {
    std::ofstream(path_) << "1000 100 first\n";
    EXPECT_EQ(jit_.find(0x1000, path_, ""), "first");
    EXPECT_EQ(jit_.find(0x2000, path_, ""), "");
    std::ofstream(path_, std::ios::app) << "2000 100 second\n";
    EXPECT_EQ(jit_.find(0x2000, path_, ""), "second");
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
