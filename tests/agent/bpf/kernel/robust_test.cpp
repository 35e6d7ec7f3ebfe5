// Targets that fork, exec, die in the middle of a call or have a thousand threads: traced to the end, unharmed.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <atomic>
#include <map>
#include <thread>

#include "os/fd.hpp"
#include "tests/agent/bpf/kernel/recorder.hpp"
#include "tests/agent/bpf/kernel/watched_child.hpp"

namespace autotune::test {
namespace {

class BpfTargets : public ::testing::Test {
protected:
    void SetUp() override { AUTOTUNE_NEEDS_BPF(); }
    static std::int64_t bytes_written(const Recorder& r, pid_t pid) {
        std::int64_t sum = 0;
        for (const IoDone& io : r.of<IoDone>(pid))
            if (io.op == IoOp::write && io.result > 0) sum += io.result;
        return sum;
    }
};

TEST_F(BpfTargets, OfAThousandThreadsAreToldThreadByThread) {
    const OwnCgroup cgroup("threads");
    Recorder r({cgroup.path()});
    constexpr int kThreads = 1000;
    WatchedChild child(cgroup, [&] {
        const Fd null(open("/dev/null", O_WRONLY | O_CLOEXEC));
        std::atomic<int> running{0}, good{0};
        std::vector<std::thread> threads;
        for (int i = 0; i < kThreads; ++i)
            threads.emplace_back([&, i] {
                ++running;
                while (running < kThreads) std::this_thread::yield();  // all live at once
                const std::string text(static_cast<std::size_t>(i) + 1, 'x');
                if (write(null.get(), text.data(), text.size()) == i + 1) ++good;
            });
        for (std::thread& t : threads) t.join();
        return good == kThreads ? 0 : 1;
    });
    EXPECT_EQ(child.wait(), 0);
    ASSERT_TRUE(r.poll_until_exit(child.pid()));
    std::map<ThreadId, std::int64_t> by_thread;
    for (const Event& e : r.events_of<IoDone>(child.pid()))
        if (const auto& io = std::get<IoDone>(e.body); io.op == IoOp::write) by_thread[e.thread] += io.result;
    EXPECT_EQ(by_thread.size(), kThreads);
    EXPECT_EQ(bytes_written(r, child.pid()), kThreads * (kThreads + 1) / 2);
    EXPECT_TRUE(r.of<Lost>().empty());
}

TEST_F(BpfTargets, ThatForkAndExecAgainAndAgainAreFollowed) {
    const OwnCgroup cgroup("generations");
    Recorder r({cgroup.path()});
    WatchedChild child(cgroup, [&] {
        // Each generation execs, writes one byte and begets the next.
        const char* script = "n=$1; [ $n -gt 0 ] || exit 0; printf x; sh -c \"$0\" \"$0\" $((n - 1)); exit $?";
        const Fd null(open("/dev/null", O_WRONLY));
        dup2(null.get(), STDOUT_FILENO);
        execl("/bin/sh", "sh", "-c", script, script, "30", nullptr);
        return 1;
    });
    EXPECT_EQ(child.wait(), 0);
    ASSERT_TRUE(r.poll_until_exit(child.pid()));
    EXPECT_EQ(bytes_written(r, 0), 30);
    EXPECT_GE(r.of<ProcessExited>().size(), 31u);
    EXPECT_TRUE(r.of<Lost>().empty());
}

TEST_F(BpfTargets, ThatDieInTheMiddleOfACallAreToldUpToThere) {
    const OwnCgroup cgroup("dies");
    Recorder r({cgroup.path()});
    std::array<int, 2> ends{}, begun{};
    ASSERT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
    ASSERT_EQ(pipe2(begun.data(), O_CLOEXEC), 0);
    WatchedChild child(cgroup, [&] {
        char byte = 0;
        if (write(begun[1], "b", 1) != 1) return 1;
        return read(ends[0], &byte, 1) == 1 ? 2 : 3;  // nobody writes
    });
    char byte = 0;
    ASSERT_EQ(read(begun[0], &byte, 1), 1);
    kill(child.pid(), SIGKILL);
    EXPECT_EQ(WTERMSIG(child.wait()), SIGKILL);
    ASSERT_TRUE(r.poll_until_exit(child.pid()));
    EXPECT_EQ(bytes_written(r, child.pid()), 1);
    EXPECT_EQ(r.of<ProcessExited>(child.pid())[0].signal, SIGKILL);
    // Who comes after it is told from the beginning.
    WatchedChild next(cgroup, [&] { return write(begun[1], "cd", 2) == 2 ? 0 : 1; });
    EXPECT_EQ(next.wait(), 0);
    ASSERT_TRUE(r.poll_until_exit(next.pid()));
    EXPECT_EQ(bytes_written(r, next.pid()), 2);
    for (const int fd : {ends[0], ends[1], begun[0], begun[1]}) close(fd);
}

TEST_F(BpfTargets, WhoseThreadExecsWhileOthersAreInCallsGoOnUnderTheSameNumber) {
    const OwnCgroup cgroup("execs");
    Recorder r({cgroup.path()});
    WatchedChild child(cgroup, [&] {
        std::array<int, 2> ends{};
        if (pipe(ends.data()) != 0) return 1;
        for (int i = 0; i < 8; ++i)
            std::thread([&] {
                char byte = 0;
                (void)!read(ends[0], &byte, 1);
            }).detach();
        std::thread([] { execl("/bin/sh", "sh", "-c", "printf hello > /dev/null; exit 5", nullptr); }).join();
        return 2;
    });
    EXPECT_EQ(WEXITSTATUS(child.wait()), 5);
    ASSERT_TRUE(r.poll_until_exit(child.pid()));
    EXPECT_EQ(bytes_written(r, child.pid()), 5);
    EXPECT_EQ(r.of<ProcessExited>(child.pid()).size(), 1u);
}

}  // namespace
}  // namespace autotune::test
