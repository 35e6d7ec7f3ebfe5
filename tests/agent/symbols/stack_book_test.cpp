// Stacks by number, of a process that is not there: what is shown where nothing can be known.
#include "agent/symbols/stack_book.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace autotune::symbols {
namespace {

class StackBookTest : public ::testing::Test {
protected:
    ~StackBookTest() override { std::filesystem::remove_all(proc_); }
    SampleRecord told(std::uint32_t number, std::vector<std::uint64_t> native, std::vector<std::uint64_t> kernel = {}) {
        SampleRecord record{.from = {.process = {.pid = 4711, .start_ns = 5}}};
        record.number = number;
        record.native_result = AT_NATIVE_WHOLE;
        record.native = std::move(native);
        record.kernel = std::move(kernel);
        return record;
    }
    std::vector<std::string> frames(std::uint32_t number) {
        std::vector<std::string> names;
        for (const FrameId f : tables_.stacks[book_.find(number, tables_).stack])
            names.emplace_back(tables_.strings[tables_.frames[f].name]);
        return names;
    }
    using Names = std::vector<std::string>;

    static std::string proc_with_kernel() {
        const std::string proc = ::testing::TempDir() + "/proc-" + std::to_string(getpid());
        std::filesystem::create_directories(proc);
        std::ofstream(proc + "/kallsyms") << "ffffffff81000100 t bpf_prog_0123_at_on_growth\nffffffff81000200 T bpf_trace_run2\n"
                                             "ffffffff81000300 t __bpf_trace_sys_exit\nffffffff81000400 t syscall_exit_work\n"
                                             "ffffffff81000500 T schedule\nffffffff81000600 t __schedule\n";
        return proc;
    }

    Tables tables_;
    const std::string proc_ = proc_with_kernel();
    Symbolizer symbolizer_{{.proc = proc_}};
    PythonFrames python_;
    StackBook book_{symbolizer_, python_};
};

TEST_F(StackBookTest, SaysWhatAStackIsThatNobodyTold) {
    EXPECT_EQ(frames(4711'4711), Names{"[stack lost]"});
    EXPECT_EQ(book_.unknown(), 1u);
    EXPECT_FALSE(book_.find(4711'4711, tables_).truncated);
}

TEST_F(StackBookTest, SaysWhyTimeIsOfNoStack) {
    EXPECT_EQ(frames(AT_STACK_BEFORE), Names{"[waiting since before the profile began]"});
    EXPECT_EQ(frames(AT_STACK_UNSEEN), Names{"[a switch was not seen]"});
    EXPECT_EQ(frames(AT_STACK_LOST), Names{"[lost: no room in the ring]"});
    EXPECT_EQ(book_.unknown(), 0u);
}

TEST_F(StackBookTest, KeepsAStackUnderItsNumber) {
    book_.learn(told(100, {0x1000, 0x2000}), tables_);
    book_.learn(told(200, {0x1000}), tables_);
    EXPECT_EQ(frames(100), (Names{"[unmapped]", "[unmapped]"}));
    EXPECT_EQ(frames(200), Names{"[unmapped]"});
    EXPECT_EQ(book_.size(), 2u);
    EXPECT_EQ(book_.unknown(), 0u);
}

TEST_F(StackBookTest, KeepsMoreThanTwiceAsManyAsAreToldBeforeOneIsToldAnew) {
    constexpr std::uint32_t kKept = 9 * AT_KEPT_STACKS / 4;
    for (std::uint32_t i = 0; i < kKept + 10; ++i) {
        SampleRecord one = told(1000 + i, {});
        book_.learn(std::move(one), tables_);
        (void)book_.find(1000, tables_);  // in use
    }
    EXPECT_EQ(book_.size(), kKept);
    EXPECT_EQ(book_.unknown(), 0u);
    (void)book_.find(1001, tables_);
    EXPECT_EQ(book_.unknown(), 1u) << "the longest not used";
}

TEST_F(StackBookTest, PutsTheKernelsFramesAboveTheOthers) {
    book_.learn(told(100, {0x1000}, {0xffffffff81000001, 0xffffffff81000002}), tables_);
    EXPECT_EQ(frames(100), (Names{"[kernel]", "[kernel]", "[unmapped]"}));
}

TEST_F(StackBookTest, LeavesOutTheWayToOurOwnProgram) {
    book_.learn(told(100, {0x1000}, {0xffffffff81000110, 0xffffffff81000210, 0xffffffff81000310, 0xffffffff81000410}), tables_);
    EXPECT_EQ(frames(100), (Names{"syscall_exit_work", "[unmapped]"}));
    book_.learn(told(200, {0x1000}, {0xffffffff81000110, 0xffffffff81000610, 0xffffffff81000510}), tables_);
    EXPECT_EQ(frames(200), (Names{"__schedule", "schedule", "[unmapped]"}));
}

}  // namespace
}  // namespace autotune::symbols
