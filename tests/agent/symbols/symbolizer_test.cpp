#include "agent/symbols/symbolizer.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "agent/symbols/demangle.hpp"
#include "agent/symbols/elf_image.hpp"
#include "agent/symbols/stack_builder.hpp"

namespace autotune::symbols {
namespace {

namespace fs = std::filesystem;

// A /proc of the test's own, with one process that maps the test program at 0x10000000.
class SymbolizerOnProcTree : public ::testing::Test {
protected:
    static constexpr ProcessId kProcess{.pid = 4711, .start_ns = 5'000'000'000};
    static constexpr std::uint64_t kBase = 0x10000000;

    SymbolizerOnProcTree()
        : proc_(fs::path(::testing::TempDir()) / ("proc-" + std::to_string(getpid()))),
          symbolizer_({.proc = proc_}) {
        fs::create_directories(proc_ / "4711");
        fs::create_directory_symlink("/", proc_ / "4711/root");
        write("4711/status", "Name:\tapp\nNSpid:\t4711\t7\n");
        write_stat(500);
        write_maps("10000000-10010000 r-xp 00000000 00:00 9 " AUTOTUNE_NATIVE_PROGRAM "\n");
    }
    ~SymbolizerOnProcTree() override { fs::remove_all(proc_); }

    void write(const std::string& file, const std::string& text) { std::ofstream(proc_ / file) << text; }
    void write_maps(const std::string& text) { write("4711/maps", text); }
    void write_stat(int start_ticks) {
        std::string stat = "4711 (a ) b) S";
        for (int field = 4; field < 22; ++field) stat += " 0";
        write("4711/stat", stat + " " + std::to_string(start_ticks) + " 0 0\n");
    }
    std::string name(std::uint64_t address) { return text(frame(address).name); }
    Frame frame(std::uint64_t address) {
        return tables_.frames[symbolizer_.resolve(kProcess, address, tables_)];
    }
    std::string text(StringId id) { return std::string(tables_.strings[id]); }
    // Where a function of the program lies in the process; the text is mapped at its own file offset.
    std::uint64_t place_of(const std::string& function) {
        return *symbolizer_.address_of(kProcess, symbolizer_.maps(kProcess).mappings().at(0), function);
    }

    fs::path proc_;
    Symbolizer symbolizer_;
    Tables tables_;
};

TEST_F(SymbolizerOnProcTree, NamesFunctionModuleAndBuild) {
    const Frame f = frame(place_of("large_share") + 2);
    EXPECT_EQ(text(f.name), "large_share");
    EXPECT_EQ(text(f.module), AUTOTUNE_NATIVE_PROGRAM);
    EXPECT_EQ(text(f.build_id), "0123456789abcdef0123456789abcdef01234567");
    EXPECT_EQ(f.kind, FrameKind::native);
}

TEST_F(SymbolizerOnProcTree, ShowsWhatWasInlinedWithItsLines) {
    write_maps("10000000-10010000 r-xp 00000000 00:00 9 " AUTOTUNE_INLINED_PROGRAM "\n");
    const auto outer = symbolizer_.range_of(kProcess, symbolizer_.maps(kProcess).mappings().at(0), "outer");
    ASSERT_TRUE(outer);
    std::set<std::vector<std::string>> chains;
    for (std::uint64_t at = outer->start; at < outer->end; ++at) {
        std::vector<std::string> chain;
        for (const FrameId id : symbolizer_.resolve_all(kProcess, at, tables_)) {
            chain.push_back(text(tables_.frames[id].name));
            EXPECT_GT(tables_.frames[id].line, 0u);
            EXPECT_TRUE(text(tables_.frames[id].file).ends_with("inlined_program.cpp"));
        }
        chains.insert(chain);
        EXPECT_EQ(name(at), "outer") << "the function that holds the code";
    }
    EXPECT_TRUE(chains.contains({"work::innermost(unsigned int)", "work::middle(unsigned int)", "outer"}));
    EXPECT_EQ(symbolizer_.counts().modules.damaged, 0u);
}

TEST_F(SymbolizerOnProcTree, TakesAReturnAddressForTheCallBeforeIt) {
    const std::uint64_t begin = place_of("large_share");
    const FrameId after = symbolizer_.resolve_return(kProcess, begin, tables_);
    EXPECT_NE(text(tables_.frames[after].name), "large_share");
    EXPECT_EQ(symbolizer_.resolve_return(kProcess, begin + 3, tables_),
              symbolizer_.resolve(kProcess, begin + 2, tables_));
}

TEST_F(SymbolizerOnProcTree, StillNamesAProcessThatIsGone) {
    const std::uint64_t at = place_of("main");
    fs::remove_all(proc_ / "4711");
    EXPECT_EQ(name(at + 1), "main");
}

// Between the list of what is mapped and the files the process went: the name that the list has leads to the same file.
TEST_F(SymbolizerOnProcTree, NamesAProcessThatWentWhileItWasLookedAt) {
    struct stat s {};
    ASSERT_EQ(stat(AUTOTUNE_NATIVE_PROGRAM, &s), 0);
    write_maps("10000000-10010000 r-xp 00000000 00:00 " + std::to_string(s.st_ino) + " " AUTOTUNE_NATIVE_PROGRAM "\n"
               "20000000-20010000 r-xp 00000000 00:00 9 " AUTOTUNE_NATIVE_PROGRAM "\n");
    fs::remove(proc_ / "4711/root");
    EXPECT_EQ(name(place_of("main") + 1), "main");
    EXPECT_TRUE(name(0x20001000).ends_with("+0x1000")) << "another file of that name";
}

// A process that has given its memory back has an empty list of mappings until it is buried.
TEST_F(SymbolizerOnProcTree, StillNamesAProcessThatIsAboutToGo) {
    const std::uint64_t at = place_of("main");
    write_maps("");
    symbolizer_.refresh(kProcess);
    EXPECT_EQ(name(at + 1), "main");
    EXPECT_EQ(name(0x999), "[unmapped]");
    EXPECT_EQ(name(at + 1), "main");
}

TEST_F(SymbolizerOnProcTree, TellsWhereThereIsNoSymbol) {
    EXPECT_EQ(name(kBase + 0xfff8), "native_program+0xfff8");
    EXPECT_EQ(name(0x999), "[unmapped]");
    EXPECT_EQ(symbolizer_.resolve(kProcess, 0, tables_), FrameId{});
}

TEST_F(SymbolizerOnProcTree, SeesLibrariesThatComeLater) {
    EXPECT_EQ(name(0x20000000), "[unmapped]");
    write_maps("10000000-10010000 r-xp 00000000 00:00 9 " AUTOTUNE_NATIVE_PROGRAM
               "\n20000000-20001000 r-xp 00000000 00:00 10 " AUTOTUNE_STRIPPED_LIBRARY "\n");
    const std::uint64_t reads = symbolizer_.observe(kProcess);
    EXPECT_EQ(name(0x20000000 + 1).rfind("libstripped", 0), 0u);
    EXPECT_GT(symbolizer_.observe(kProcess), reads);
}

TEST_F(SymbolizerOnProcTree, DoesNotReadMappingsAgainForEveryWildAddress) {
    for (std::uint64_t i = 0; i < 1000; ++i) (void)name(0x50000000 + i * 16);
    EXPECT_LT(symbolizer_.observe(kProcess), 15u);
}

TEST_F(SymbolizerOnProcTree, SeesWhatIsMappedAfterManyWildAddresses) {
    for (std::uint64_t i = 0; i < 600; ++i) (void)name(0x50000000 + i * 16);
    write_maps("30000000-30001000 rwxp 00000000 00:00 0 \n");
    for (int i = 0; i < 256; ++i) (void)name(0x30000010);
    EXPECT_EQ(name(0x30000010), "[anon:exec]");
}

TEST_F(SymbolizerOnProcTree, DoesNotTakeAnotherProcessOfThatPidForIt) {
    write_stat(90000);
    EXPECT_EQ(name(kBase + 0x1200), "[unmapped]");
}

TEST_F(SymbolizerOnProcTree, ForgetsAProgramThatWasReplaced) {
    const std::uint64_t at = place_of("main");
    EXPECT_EQ(name(at), "main");
    write_maps("10000000-10010000 rwxp 00000000 00:00 0 \n");
    symbolizer_.replaced(kProcess, {});
    EXPECT_EQ(name(at), "[anon:exec]");
}

// What was asked for a moment ago is kept at hand.
TEST_F(SymbolizerOnProcTree, NamesTheSameAddressAnewWhenSomethingElseIsMappedThere) {
    const std::uint64_t at = place_of("large_share") + 2;
    EXPECT_EQ(name(at), "large_share");
    EXPECT_EQ(name(at), "large_share");
    write_maps("10000000-10010000 r-xp 00000000 00:00 9 " AUTOTUNE_INLINED_PROGRAM "\n");
    symbolizer_.refresh(kProcess);
    EXPECT_EQ(text(frame(at).module), AUTOTUNE_INLINED_PROGRAM);
    const ProcessId other{.pid = 4711, .start_ns = 6'000'000'000};
    write_stat(600);
    write_maps("10000000-10010000 r-xp 00000000 00:00 9 " AUTOTUNE_NATIVE_PROGRAM "\n");
    EXPECT_EQ(text(tables_.frames[symbolizer_.resolve(other, at, tables_)].name), "large_share");
    EXPECT_EQ(text(frame(at).module), AUTOTUNE_INLINED_PROGRAM) << "each has its own";
}

TEST_F(SymbolizerOnProcTree, NamesAProgramByItsExecWhenItIsGoneAlready) {
    fs::remove_all(proc_ / "4711");
    struct stat s {};
    ASSERT_EQ(stat(AUTOTUNE_NATIVE_PROGRAM, &s), 0);
    const Program program{
        .path = AUTOTUNE_NATIVE_PROGRAM, .inode = s.st_ino, .text_start = 0x40001000, .text_end = 0x40002000};
    symbolizer_.replaced(kProcess, program);
    const std::uint64_t at = place_of("small_share");
    EXPECT_TRUE(symbolizer_.mapping_at(kProcess, at) != nullptr);
    EXPECT_EQ(name(at), "small_share");
}

TEST_F(SymbolizerOnProcTree, DoesNotTrustAFileOfTheSameNameOnly) {
    fs::remove_all(proc_ / "4711");
    symbolizer_.replaced(
        kProcess,
        {.path = AUTOTUNE_NATIVE_PROGRAM, .inode = 1, .text_start = 0x40001000, .text_end = 0x40002000});
    EXPECT_EQ(name(0x40001100), "[unmapped]");
}

TEST_F(SymbolizerOnProcTree, ReadsAJitsMapByThePidInsideTheContainer) {
    fs::remove(proc_ / "4711/root");
    fs::create_directories(proc_ / "4711/root/tmp");
    write("4711/root/tmp/perf-7.map", "30000000 100 LazyCompile:*handler /var/task/index.js:3\n");
    write_maps("30000000-30001000 rwxp 00000000 00:00 0 \n");
    const Frame f = frame(0x30000010);
    EXPECT_EQ(text(f.name), "LazyCompile:*handler /var/task/index.js:3");
    EXPECT_EQ(f.kind, FrameKind::node);
    EXPECT_EQ(name(0x30000f00), "[anon:exec]");
}

TEST_F(SymbolizerOnProcTree, CountsAPerfMapThatAnEarlierProcessLeft) {
    fs::remove(proc_ / "4711/root");
    fs::create_directories(proc_ / "4711/root/tmp");
    const fs::path map = proc_ / "4711/root/tmp/perf-7.map";
    std::ofstream(map) << "30000000 100 LazyCompile:*handler /var/task/index.js:3\n";
    fs::last_write_time(map, fs::file_time_type(std::chrono::years(-10) + fs::file_time_type::clock::now().time_since_epoch()));
    write_maps("30000000-30001000 rwxp 00000000 00:00 0 \n");
    EXPECT_EQ(name(0x30000010), "[anon:exec]");
    EXPECT_EQ(name(0x30000020), "[anon:exec]");
    EXPECT_EQ(symbolizer_.counts().jit_refused, 1u);
}

// V8 takes the right to execute away from a page while it writes there; we may look in that instant.
TEST_F(SymbolizerOnProcTree, NamesWhatAJitMayNotExecuteAtTheMoment) {
    fs::remove(proc_ / "4711/root");
    fs::create_directories(proc_ / "4711/root/tmp");
    write("4711/root/tmp/perf-7.map", "30000000 100 JS:*handler /var/task/index.js:3\n");
    write_maps("30000000-30001000 rw-p 00000000 00:00 0 \n");
    const Frame f = frame(0x30000010);
    EXPECT_EQ(text(f.name), "JS:*handler /var/task/index.js:3");
    EXPECT_EQ(f.kind, FrameKind::node);
    EXPECT_EQ(text(f.module), "[jit]");
    EXPECT_EQ(name(0x30000f00), "[unmapped]");
}

TEST_F(SymbolizerOnProcTree, ReadsTheKernelsNamesOnRequest) {
    write("kallsyms", "ffffffff81000100 t do_syscall_64\n");
    const Frame f = tables_.frames[symbolizer_.resolve_kernel(0xffffffff81000110, tables_)];
    EXPECT_EQ(text(f.name), "do_syscall_64");
    EXPECT_EQ(f.kind, FrameKind::kernel);
}

TEST_F(SymbolizerOnProcTree, ForgetsTheOldestProcessBeyondItsBound) {
    Symbolizer small({.proc = proc_, .max_processes = 1});
    (void)small.observe(kProcess);
    (void)small.observe({.pid = 1, .start_ns = 1});
    fs::remove_all(proc_ / "4711");
    EXPECT_TRUE(small.maps(kProcess).empty());
}

TEST_F(SymbolizerOnProcTree, CutsANativeStackWhereItLeavesTheProgram) {
    PythonFrames python;
    const std::uint64_t main = place_of("main");
    const std::uint64_t leaf = place_of("spin");
    SampleRecord sample{.from = {.process = kProcess}, .native = {leaf, main + 9, 0x1234567, main + 9}};
    const BuiltStack built = build_stack(sample, symbolizer_, python, tables_);
    ASSERT_EQ(tables_.stacks[built.stack].size(), 2u);
    EXPECT_EQ(text(tables_.frames[tables_.stacks[built.stack][0]].name), "spin");
    EXPECT_FALSE(built.truncated) << "it reached main";
    sample.native = {leaf, leaf + 9};
    EXPECT_TRUE(build_stack(sample, symbolizer_, python, tables_).truncated);
}

// This very process: the paths that only a real /proc has.
TEST(SymbolizerOnItself, NamesAFunctionOfTheTest) {
    Symbolizer symbolizer;
    Tables tables;
    const FrameId frame =
        symbolizer.resolve({.pid = getpid()}, reinterpret_cast<std::uint64_t>(&demangle), tables);
    EXPECT_EQ(tables.strings[tables.frames[frame].name].substr(0, 27), "autotune::symbols::demangle");
}

}  // namespace
}  // namespace autotune::symbols
