// The kernel side's walk, compiled for the host and fed memory that a test wrote.
#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "agent/symbols/python_layout.hpp"
#include "tests/agent/symbols/fake_memory.hpp"

namespace {
const autotune::testing::FakeMemory* memory_under_test = nullptr;
}
#define at_read_user(to, size, address) (memory_under_test->read(address, to, size) ? 0 : -14)
#include "bpf/logic/python_walk.h"

namespace autotune::symbols {
namespace {

constexpr std::uint64_t kRuntime = 0x10000, kInterpreter = 0x20000, kThreads = 0x2000000, kFrames = 0x100000,
                        kCodes = 0x800000, kStep = 0x400, kSelf = 0x7f00dead0000;

class PythonWalk : public ::testing::TestWithParam<unsigned> {
protected:
    PythonWalk() : layout_(*python_layout(GetParam())), o_(layout_.walk) {
        memory_under_test = &memory_;
        memory_.map(kRuntime, 0x1000);
        memory_.map(kInterpreter, 0x3000);
        memory_.put(kRuntime + o_.runtime_interpreter, kInterpreter);
        process_ = {.start_ns = 1, .runtime = kRuntime, .offsets = o_};
    }
    static std::uint64_t thread_at(int i) { return kThreads + static_cast<std::uint64_t>(i) * kStep; }
    static std::uint64_t frame_at(int i) { return kFrames + static_cast<std::uint64_t>(i) * kStep; }
    static std::uint64_t code_at(int i) { return kCodes + static_cast<std::uint64_t>(i) * kStep; }

    // Threads newest first, as the interpreter links them.
    void put_threads(const std::vector<std::uint64_t>& ids) {
        memory_.put(kInterpreter + o_.interpreter_threads, thread_at(0));
        for (int i = 0; i < static_cast<int>(ids.size()); ++i) {
            memory_.map(thread_at(i), kStep);
            memory_.put(thread_at(i) + o_.thread_id, ids[static_cast<std::size_t>(i)]);
            if (i + 1 < static_cast<int>(ids.size()))
                memory_.put(thread_at(i) + o_.thread_next, thread_at(i + 1));
        }
    }
    void put_frames(int thread, int count) {
        if (o_.has_cframe != 0) {
            const std::uint64_t cframe = thread_at(thread) + 0x300;
            memory_.put(thread_at(thread) + o_.thread_frame, cframe);
            memory_.put(cframe + o_.cframe_frame, frame_at(0));
        } else {
            memory_.put(thread_at(thread) + o_.thread_frame, frame_at(0));
        }
        for (int i = 0; i < count; ++i) {
            memory_.map(frame_at(i), kStep);
            memory_.map(code_at(i), kStep);
            memory_.put(frame_at(i) + o_.frame_code, code_at(i));
            memory_.put(frame_at(i) + o_.frame_back, i + 1 < count ? frame_at(i + 1) : std::uint64_t{0});
            if (o_.instruction_size == 4)
                memory_.put(frame_at(i) + o_.frame_instruction, static_cast<std::uint32_t>(i + 100));
            else
                memory_.put(frame_at(i) + o_.frame_instruction, code_at(i) + 200);
            memory_.put(code_at(i) + o_.code_identity, 0x500000000 + static_cast<std::uint64_t>(i));
        }
    }
    int walk(std::uint64_t self = kSelf) {
        at_python_begin(&process_, self, &walker_);
        for (int turn = 0; turn < AT_MAX_PYTHON_TURNS; ++turn) {
            const int result = at_python_turn(&process_.offsets, frames_.data(), &walker_);
            if (result != AT_PYTHON_GOES_ON) return result;
        }
        return AT_PYTHON_CUT;
    }

    const PythonLayout& layout_;
    const at_python_offsets& o_;
    autotune::testing::FakeMemory memory_;
    at_python_process process_{};
    std::array<at_python_frame, AT_MAX_PYTHON_FRAMES> frames_{};
    at_python_walker walker_{.count = 77};
};

TEST_P(PythonWalk, GivesFramesInnermostFirst) {
    put_threads({1, kSelf, 3});
    put_frames(1, 3);
    ASSERT_EQ(walk(), AT_PYTHON_WHOLE);
    ASSERT_EQ(walker_.count, 3u);
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(frames_[i].code & ~AT_PYTHON_ENTRY, code_at(i));
        EXPECT_EQ(frames_[i].identity, 0x500000000u + i);
        EXPECT_EQ(frames_[i].instruction, o_.instruction_size == 4 ? i + 100u : code_at(i) + 200);
    }
}

TEST_P(PythonWalk, NeverTakesAnotherThreadsFrames) {
    put_threads({1, 2, 3});
    put_frames(0, 3);
    if (o_.runtime_current_thread != 0) memory_.put(kRuntime + o_.runtime_current_thread, thread_at(0));
    EXPECT_EQ(walk(), AT_PYTHON_NO_THREAD);
    EXPECT_EQ(walker_.count, 0u);
}

// The main thread is the last of the list.
TEST_P(PythonWalk, FindsTheOldestOfAThousandThreads) {
    std::vector<std::uint64_t> ids(1000, 1);
    ids.back() = kSelf;
    put_threads(ids);
    put_frames(999, 2);
    EXPECT_EQ(walk(), AT_PYTHON_WHOLE);
    EXPECT_EQ(walker_.count, 2u);
}

TEST_P(PythonWalk, SkipsWhatTheCStackOwns) {
    if (o_.shim_owner == 0) return;  // no such frames in this version
    put_threads({kSelf});
    put_frames(0, 4);
    memory_.put(frame_at(1) + o_.frame_owner, static_cast<std::uint8_t>(o_.shim_owner));
    memory_.put(frame_at(3) + o_.frame_owner, static_cast<std::uint8_t>(o_.shim_owner));
    ASSERT_EQ(walk(), AT_PYTHON_WHOLE);
    ASSERT_EQ(walker_.count, 2u);
    EXPECT_EQ(frames_[1].code & ~AT_PYTHON_ENTRY, code_at(2));
}

// Frames 0 to 3, of which C called 1 and 3.
TEST_P(PythonWalk, MarksTheFramesThatTheEvaluatorWasEnteredWith) {
    put_threads({kSelf});
    if (o_.shim_owner != 0) {  // 3.12 on: a frame of the C stack's behind each
        put_frames(0, 6);
        for (const int shim : {2, 5})
            memory_.put(frame_at(shim) + o_.frame_owner, static_cast<std::uint8_t>(o_.shim_owner));
    } else {
        put_frames(0, 4);
        if (o_.frame_entry != 0)
            for (const int entry : {1, 3}) memory_.put(frame_at(entry) + o_.frame_entry, std::uint8_t{1});
    }
    ASSERT_EQ(walk(), AT_PYTHON_WHOLE);
    ASSERT_EQ(walker_.count, 4u);
    const bool every = layout_.minor <= 10;
    for (const unsigned i : {0u, 1u, 2u, 3u})
        EXPECT_EQ((frames_[i].code & AT_PYTHON_ENTRY) != 0, every || i % 2 == 1) << i;
}

TEST_P(PythonWalk, SaysThatADeepStackIsCut) {
    put_threads({kSelf});
    put_frames(0, AT_MAX_PYTHON_FRAMES + 1);
    EXPECT_EQ(walk(), AT_PYTHON_CUT);
    EXPECT_EQ(walker_.count, static_cast<unsigned>(AT_MAX_PYTHON_FRAMES));
}

TEST_P(PythonWalk, KeepsWhatItReadBeforeAFrameThatIsGone) {
    put_threads({kSelf});
    put_frames(0, 4);
    memory_.unmap(frame_at(2));
    EXPECT_EQ(walk(), AT_PYTHON_CUT);
    EXPECT_EQ(walker_.count, 2u);
}

TEST_P(PythonWalk, EndsWhenThreadsOrFramesGoInCircles) {
    put_threads({1, 2});
    memory_.put(thread_at(1) + o_.thread_next, thread_at(0));
    EXPECT_EQ(walk(), AT_PYTHON_NO_THREAD);
    put_threads({kSelf});
    put_frames(0, 2);
    memory_.put(frame_at(1) + o_.frame_back, frame_at(0));
    EXPECT_EQ(walk(), AT_PYTHON_CUT);
}

TEST_P(PythonWalk, FindsNothingBeforeTheInterpreterIsUp) {
    memory_.put(kRuntime + o_.runtime_interpreter, std::uint64_t{0});
    EXPECT_EQ(walk(), AT_PYTHON_NO_THREAD);
    process_.runtime = 0;
    EXPECT_EQ(walk(), AT_PYTHON_NO_THREAD);
}

TEST_P(PythonWalk, MatchesNoThreadWhereItsOwnIsNotKnown) {
    put_threads({0});
    put_frames(0, 1);
    EXPECT_EQ(walk(0), AT_PYTHON_NO_THREAD);
}

TEST(PythonWalkFast, TriesTheThreadWithTheGilFirst) {
    const PythonLayout& layout = *python_layout(11);
    autotune::testing::FakeMemory memory;
    memory_under_test = &memory;
    memory.map(kRuntime, 0x1000);
    memory.map(kThreads, kStep);
    memory.put(kRuntime + layout.walk.runtime_current_thread, kThreads);
    memory.put(kThreads + layout.walk.thread_id, kSelf);
    const at_python_process process{.start_ns = 1, .runtime = kRuntime, .offsets = layout.walk};
    at_python_walker walker{};
    at_python_begin(&process, kSelf, &walker);
    EXPECT_EQ(walker.at, kThreads) << "although there is no interpreter to search";
}

INSTANTIATE_TEST_SUITE_P(Versions, PythonWalk, ::testing::Values(8u, 9u, 10u, 11u, 12u, 13u),
                         [](const auto& of) { return "Python3_" + std::to_string(of.param); });

}  // namespace
}  // namespace autotune::symbols
