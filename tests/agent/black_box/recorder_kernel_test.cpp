// Programs that are killed, and what the recorder writes down of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "agent/black_box/recorder.hpp"
#include "os/cgroup_tree.hpp"
#include "os/file.hpp"
#include "os/pidfd.hpp"
#include "os/process.hpp"

namespace autotune::black_box {
namespace {

using ::testing::Contains;
using ::testing::EndsWith;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr Nanos kPatience = std::chrono::seconds(60);

std::uint32_t line_of(const std::string& mark) {
    std::ifstream source(AUTOTUNE_DYING_SOURCE);
    std::string line;
    for (std::uint32_t number = 1; std::getline(source, line); ++number)
        if (line.ends_with("// mark: " + mark)) return number;
    return 0;
}

class RecorderOnKernel : public ::testing::Test {
protected:
    void SetUp() override {
        if (geteuid() != 0) GTEST_SKIP() << "needs root to load BPF programs";
        auto layout = detect_cgroup_layout();
        ASSERT_TRUE(layout) << layout.error().message;
        auto tree = CgroupTree::open(*layout);
        ASSERT_TRUE(tree) << tree.error().message;
        tree_.emplace(std::move(*tree));
        auto cgroup = tree_->create("one");
        ASSERT_TRUE(cgroup) << cgroup.error().message;
        cgroup_.emplace(std::move(*cgroup));
        begin({});
        auto pipe = make_pipe();
        ASSERT_TRUE(pipe);
        pipe_ = std::move(*pipe);
    }

    void begin(RecorderOptions options) {
        recorder_.reset();
        auto recorder = Recorder::start(std::move(options));
        ASSERT_TRUE(recorder) << recorder.error().message;
        recorder_ = std::move(*recorder);
        const CgroupId roots[] = {cgroup_->id()};
        ASSERT_TRUE(recorder_->trace(roots, {}));
    }
    Child start(std::vector<std::string> argv) {
        auto child = spawn({.argv = std::move(argv),
                            .environment = {"PATH=/usr/bin"},
                            .cgroup = &*cgroup_,
                            .output = pipe_.write.get()});
        EXPECT_TRUE(child) << child.error().message;
        return child ? std::move(*child) : Child{};
    }
    Child start(const std::string& how) { return start({AUTOTUNE_DYING_PROGRAM, how}); }
    void wait_ready() {
        char text[6] = {};
        ASSERT_EQ(::read(pipe_.read.get(), text, sizeof text), 6);
    }
    // It has said so, and has computed since.
    void wait_spinning(const Child& child) {
        wait_ready();
        const std::uint64_t before = cpu_ns(child.pid);
        const SystemClock clock;
        const Timestamp until = clock.now() + kPatience;
        while (cpu_ns(child.pid) < before + 5'000'000 && clock.now() < until) ::usleep(1000);
        ASSERT_GE(cpu_ns(child.pid), before + 5'000'000);
    }
    // A look at it has begun and ended since. One that ends may have begun before: the second one has not.
    void wait_looked_at(const Child& child) {
        const SystemClock clock;
        const Timestamp until = clock.now() + kPatience;
        for (int look = 0; look < 2; ++look) {
            const std::uint64_t before = recorder_->health().looked;
            recorder_->watch({child.pid, 0}, cgroup_->id());
            while (recorder_->health().looked == before && clock.now() < until) ::usleep(1000);
            ASSERT_GT(recorder_->health().looked, before);
        }
    }
    void wait_weighed() {
        const SystemClock clock;
        const Timestamp until = clock.now() + kPatience;
        while (recorder_->health().weighed == 0 && clock.now() < until) ::usleep(1000);
        ASSERT_GT(recorder_->health().weighed, 0u);
    }
    static std::uint64_t cpu_ns(pid_t pid) {
        std::uint64_t ns = 0;
        std::ifstream("/proc/" + std::to_string(pid) + "/schedstat") >> ns;
        return ns;
    }
    // Reaps the child, and gives its box.
    BlackBox box_of(const Child& child) {
        const SystemClock clock;
        const Timestamp until = clock.now() + kPatience;
        while (clock.now() < until) {
            (void)reap(child.pidfd);
            for (BlackBox& box : recorder_->take(std::chrono::milliseconds(50)))
                if (box.process.pid == child.pid) return std::move(box);
        }
        ADD_FAILURE() << "no black box of process " << child.pid;
        return {};
    }
    static void expect_culprit(const BlackBox& box, const std::string& mark) {
        const ProfileFrame* culprit = culprit_of(box);
        ASSERT_NE(culprit, nullptr);
        EXPECT_THAT(culprit->file, EndsWith("dying_program.c"));
        EXPECT_EQ(culprit->line, line_of(mark)) << describe_place(culprit);
    }

    std::optional<CgroupTree> tree_;
    std::optional<Cgroup> cgroup_;
    Pipe pipe_;
    std::unique_ptr<Recorder> recorder_;
};

TEST_F(RecorderOnKernel, WritesDownWhereAKilledProgramWasWhatItHadAskedAndWhatItHadOpen) {
    const Child child = start("spin");
    wait_spinning(child);
    ASSERT_TRUE(send_signal(child.pidfd, SIGKILL));
    const BlackBox box = box_of(child);
    EXPECT_EQ(box.signal, SIGKILL);
    EXPECT_FALSE(box.out_of_memory);
    EXPECT_EQ(box.cgroup, cgroup_->id());
    EXPECT_EQ(box.command, "dying_program");
    expect_culprit(box, "spin");
    ASSERT_THAT(box.threads, SizeIs(1));
    EXPECT_FALSE(box.threads[0].truncated);
    EXPECT_EQ(box.threads[0].frames.front().line, line_of("spin"));
    EXPECT_EQ(box.threads[0].frames.back().name, "_start");
    EXPECT_THAT(box.calls, SizeIs(32));
    EXPECT_THAT(box.calls, Contains(Field(&BoxCall::text, "/odd")));
    for (std::size_t i = 1; i < box.calls.size(); ++i) EXPECT_LE(box.calls[i].before, box.calls[i - 1].before);
    EXPECT_THAT(box.files, Contains(Field(&BoxFile::what, "/etc/passwd")));
    EXPECT_THAT(box.files, Contains(Field(&BoxFile::what, HasSubstr("pipe "))));
    EXPECT_GT(box.memory.files, 0u);
    EXPECT_EQ(box.records_lost, 0u);
}

// The agent found it before it asked for work, as the first sandbox of a function whose group was not watched at its
// start.
TEST_F(RecorderOnKernel, RemembersTheCallsOfAProcessThatItWasToldOf) {
    recorder_.reset();
    const Child child = start("later");
    wait_ready();
    begin({});
    recorder_->watch({child.pid, 0}, cgroup_->id());
    ASSERT_TRUE(send_signal(child.pidfd, SIGUSR1));
    wait_spinning(child);
    ASSERT_TRUE(send_signal(child.pidfd, SIGKILL));
    const BlackBox box = box_of(child);
    EXPECT_THAT(box.calls, SizeIs(32));
    EXPECT_THAT(box.calls, Contains(Field(&BoxCall::text, "/odd")));
}

// For the budget's sake: then nobody hears of the libraries that it loads, and they are looked for.
TEST_F(RecorderOnKernel, WalksStacksThroughLibrariesWhileNoCallsAreRemembered) {
    ASSERT_TRUE(recorder_->remember_calls(false));
    const Child child = start("threads");
    wait_spinning(child);
    const SystemClock clock;
    const Timestamp until = clock.now() + kPatience;
    while (recorder_->health().looked < 2 && clock.now() < until) ::usleep(1000);  // at its start, and a while later
    ASSERT_GE(recorder_->health().looked, 2u);
    ASSERT_TRUE(send_signal(child.pidfd, SIGKILL));
    const BlackBox box = box_of(child);
    EXPECT_TRUE(box.calls_given_up);
    ASSERT_THAT(box.threads, SizeIs(4));
    for (const BoxThread& thread : box.threads) EXPECT_FALSE(thread.truncated) << thread.frames.back().name;
    ASSERT_TRUE(recorder_->remember_calls(true));
    const Child next = start("spin");
    wait_spinning(next);
    ASSERT_TRUE(send_signal(next.pidfd, SIGKILL));
    EXPECT_THAT(box_of(next).calls, SizeIs(32));
}

// Nothing has begun for a while: receives are not looked at, until something does.
TEST_F(RecorderOnKernel, HearsOfTheFirstWorkOfWhatBeginsAfterAQuietTime) {
    begin({.longest_start = std::chrono::seconds(1)});
    ASSERT_TRUE(recorder_->remember_calls(false));
    const SystemClock clock;
    const auto becomes = [&](bool heard) {
        const Timestamp until = clock.now() + kPatience;
        while (recorder_->health().hears_first_work != heard && clock.now() < until) ::usleep(500);
        return recorder_->health().hears_first_work == heard;
    };
    ASSERT_TRUE(becomes(false));
    const Child child = start("threads");
    ASSERT_TRUE(becomes(true));
    wait_spinning(child);
    ASSERT_TRUE(send_signal(child.pidfd, SIGKILL));
    EXPECT_THAT(box_of(child).threads, SizeIs(4));
}

TEST_F(RecorderOnKernel, WritesDownEveryThread) {
    const Child child = start("threads");
    wait_spinning(child);
    ASSERT_TRUE(send_signal(child.pidfd, SIGKILL));
    const BlackBox box = box_of(child);
    ASSERT_THAT(box.threads, SizeIs(4));
    EXPECT_EQ(box.threads_alive, 4u);
    expect_culprit(box, "spin");
    int waiting = 0;
    for (const BoxThread& thread : box.threads) {
        EXPECT_FALSE(thread.truncated) << thread.frames.back().name;
        for (const ProfileFrame& frame : thread.frames)
            if (frame.line == line_of("pause")) waiting += thread.in_call >= 0;
    }
    EXPECT_EQ(waiting, 3);
}

// 32 KiB of each of 1,500 threads: more than is held. What is left out is counted.
TEST_F(RecorderOnKernel, BoundsWhatItHoldsOfManyThreads) {
    const Child child = start("many");
    wait_spinning(child);
    ASSERT_EQ(::kill(child.pid, SIGKILL), 0);
    const BlackBox box = box_of(child);
    ASSERT_FALSE(box.threads.empty());
    EXPECT_LE(box.threads.size(), 1024u + 3);
    auto lost = recorder_->health().lost;
    EXPECT_GE(box.threads.size() + lost["threads_left_out"] + lost["ring_full"], 1500u);
    EXPECT_GE(box.records_lost + box.threads.size(), 1500u);
}

TEST_F(RecorderOnKernel, NamesTheLineThatCrashed) {
    const BlackBox box = box_of(start("crash"));
    EXPECT_EQ(box.signal, SIGSEGV);
    expect_culprit(box, "crash");
}

TEST_F(RecorderOnKernel, NamesTheLineThatWantedMoreMemoryThanThereIs) {
    ASSERT_TRUE(cgroup_->limit_memory(64u << 20));
    const Child child = start("grow");
    wait_ready();
    wait_weighed();
    ASSERT_TRUE(send_signal(child.pidfd, SIGUSR1));
    const BlackBox box = box_of(child);
    EXPECT_EQ(box.signal, SIGKILL);
    EXPECT_TRUE(box.out_of_memory);
    expect_culprit(box, "grow");
    EXPECT_EQ(box.memory.group_limit, 64u << 20);
    EXPECT_GT(box.memory.group_now, 60u << 20);
    EXPECT_GT(box.memory.anonymous, 50u << 20);
    ASSERT_FALSE(box.memory.mappings.empty()) << "nobody looked while it grew";
    EXPECT_EQ(box.memory.mappings[0].what, "[anonymous]");
    EXPECT_GT(box.memory.mappings[0].resident, 16u << 20);
}

TEST_F(RecorderOnKernel, WeighsMemoryBeforeADeadlineThatWasAnnounced) {
    const Child child = start("spin");
    wait_spinning(child);
    recorder_->expect({child.pid, 0}, SystemClock().now());
    wait_weighed();
    ASSERT_TRUE(send_signal(child.pidfd, SIGKILL));
    const BlackBox box = box_of(child);
    EXPECT_THAT(box.memory.mappings, Contains(Field(&BoxMapping::what, EndsWith("dying_program"))));
    EXPECT_THAT(box.memory.mappings, Contains(Field(&BoxMapping::what, "[stack]")));
}

TEST_F(RecorderOnKernel, SaysNothingOfThoseThatLeaveByThemselves) {
    const SystemClock clock;
    const Timestamp until = clock.now() + kPatience;
    const Child child = start("leave");
    auto left = reap(child.pidfd);
    for (; left && !*left && clock.now() < until; left = reap(child.pidfd)) ::usleep(1000);
    ASSERT_TRUE(left && *left);
    EXPECT_EQ((*left)->code, 3);
    const Child killed = start("spin");
    wait_spinning(killed);
    ASSERT_TRUE(send_signal(killed.pidfd, SIGKILL));
    std::vector<BlackBox> boxes;  // what was told of the other one came before
    while (boxes.empty() && clock.now() < until) boxes = recorder_->take(std::chrono::milliseconds(50));
    ASSERT_THAT(boxes, SizeIs(1));
    EXPECT_EQ(boxes[0].process.pid, killed.pid);
}

// The functions and their lines, of a process that is no more when they are asked for.
TEST_F(RecorderOnKernel, NamesPythonsFunctionsAndLines) {
    const std::string program = ::testing::TempDir() + "/" + std::to_string(::getpid()) + "-dying.py";
    std::ofstream(program) << "import sys\n"
                              "def inner(n):\n"
                              "    print('ready', flush=True)\n"
                              "    while True:\n"
                              "        n += 1\n"
                              "class Work:\n"
                              "    def outer(self):\n"
                              "        inner(1)\n"
                              "def with_a_long_table():\n" +
                                  [] {
                                      std::string lines;
                                      for (int i = 0; i < 3000; ++i) lines += "    a" + std::to_string(i) + " = 1\n";
                                      return lines;
                                  }() +
                                  "    Work().outer()\n"
                                  "with_a_long_table()\n";
    const Child child = start({"/usr/bin/python3", program});
    wait_spinning(child);
    wait_looked_at(child);  // whose Python frames are noted at its end was known before
    ASSERT_TRUE(send_signal(child.pidfd, SIGKILL));
    const BlackBox box = box_of(child);
    ASSERT_FALSE(box.threads.empty());
    std::vector<std::pair<std::string, std::uint32_t>> python;
    for (const ProfileFrame& frame : box.threads[0].frames)
        if (frame.kind == FrameKind::python) python.emplace_back(frame.name, frame.line);
    ASSERT_THAT(python, SizeIs(4));
    EXPECT_EQ(python[0].first, "inner");
    EXPECT_THAT(python[0].second, ::testing::AnyOf(4u, 5u));
    EXPECT_EQ(python[1], std::pair(std::string("Work.outer"), 8u));
    EXPECT_EQ(python[2], std::pair(std::string("with_a_long_table"), 3010u));
    EXPECT_EQ(python[3], std::pair(std::string("<module>"), 3011u));
    EXPECT_EQ(culprit_of(box)->file, program);
    EXPECT_FALSE(box.threads[0].truncated);
    ::unlink(program.c_str());
}

}  // namespace
}  // namespace autotune::black_box
