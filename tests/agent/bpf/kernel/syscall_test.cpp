// Every system call, told or counted.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <thread>

#include "tests/agent/bpf/kernel/recorder.hpp"
#include "tests/agent/bpf/kernel/watched_child.hpp"

namespace autotune::test {
namespace {

// 300 that do nothing, 100 that fail, 10 that wait.
int make_calls() {
    for (int i = 0; i < 300; ++i) syscall(SYS_getppid);
    for (int i = 0; i < 100; ++i) syscall(SYS_dup3, -1L, 1000L + i, 0L);
    for (int i = 0; i < 10; ++i) {
        const timespec time{.tv_sec = 0, .tv_nsec = 5'000'000};
        syscall(SYS_nanosleep, &time, nullptr);
    }
    return 0;
}

class BpfSyscalls : public ::testing::Test {
protected:
    void SetUp() override { AUTOTUNE_NEEDS_BPF(); }

    struct Sum {
        std::uint64_t calls = 0, failures = 0;
    };
    static std::map<std::uint32_t, Sum> sums_of(const Recorder& r, pid_t pid) {
        std::map<std::uint32_t, Sum> sums;
        for (const SyscallTotals& t : r.of<SyscallTotals>(pid)) {
            sums[t.number].calls += t.calls;
            sums[t.number].failures += t.failures;
        }
        return sums;
    }
};

TEST_F(BpfSyscalls, AreToldEachWithArgumentsResultAndLatency) {
    const OwnCgroup cgroup("each");
    Recorder r(Detail{.cgroups = {cgroup.path()}, .io = false, .syscalls = SyscallDetail::each});
    WatchedChild child(cgroup, make_calls);
    child.wait();
    ASSERT_TRUE(r.poll_until_exit(child.pid()));
    std::map<std::uint32_t, std::vector<SyscallDone>> calls;
    for (const SyscallDone& call : r.of<SyscallDone>(child.pid())) calls[call.number].push_back(call);
    ASSERT_EQ(calls[SYS_getppid].size(), 300u);
    EXPECT_EQ(calls[SYS_getppid][0].result, getpid());
    ASSERT_EQ(calls[SYS_dup3].size(), 100u);
    for (int i = 0; i < 100; ++i) {
        const SyscallDone& call = calls[SYS_dup3][static_cast<std::size_t>(i)];
        EXPECT_EQ(call.result, -EBADF);
        EXPECT_EQ(call.arguments[0], static_cast<std::uint64_t>(-1));
        EXPECT_EQ(call.arguments[1], 1000u + static_cast<unsigned>(i));
    }
    ASSERT_EQ(calls[SYS_nanosleep].size(), 10u);
    for (const SyscallDone& call : calls[SYS_nanosleep]) EXPECT_GE(call.latency, std::chrono::milliseconds(5));
    EXPECT_TRUE(r.of<Lost>().empty());
}

TEST_F(BpfSyscalls, AreCountedExactlyOverAllThreads) {
    const OwnCgroup cgroup("counted");
    Recorder r(Detail{.cgroups = {cgroup.path()}, .syscalls = SyscallDetail::counted});
    WatchedChild child(cgroup, [] {
        std::thread other(make_calls);
        make_calls();
        other.join();
        return 0;
    });
    child.wait();
    ASSERT_TRUE(r.poll_until([&] { return sums_of(r, child.pid())[SYS_nanosleep].calls >= 20; }));
    auto sums = sums_of(r, child.pid());
    EXPECT_EQ(sums[SYS_getppid].calls, 600u);
    EXPECT_EQ(sums[SYS_getppid].failures, 0u);
    EXPECT_EQ(sums[SYS_dup3].calls, 200u);
    EXPECT_EQ(sums[SYS_dup3].failures, 200u);
    EXPECT_EQ(sums[SYS_nanosleep].calls, 20u);
    for (const Event& e : r.events_of<SyscallTotals>(child.pid()))
        EXPECT_EQ(e.process, r.events_of<ProcessExited>(child.pid()).at(0).process);
}

TEST_F(BpfSyscalls, ThatWereCountedAreToldAtTheEndOfTheTracing) {
    const OwnCgroup cgroup("counted-end");
    Recorder r(Detail{.cgroups = {cgroup.path()}, .syscalls = SyscallDetail::counted});
    WatchedChild child(cgroup, [] {
        make_calls();
        close(open("/dev/null", O_RDONLY));
        return pause();
    });
    ASSERT_TRUE(r.poll_until([&] {
        return std::ranges::any_of(r.of<IoDone>(child.pid()), [&](const IoDone& io) {
            return r.text(io.path) == "/dev/null";
        });
    }));
    ASSERT_TRUE(r.source->finish(r.batch));
    EXPECT_EQ(sums_of(r, child.pid())[SYS_getppid].calls, 300u);
}

TEST_F(BpfSyscalls, AreToldOnlyWhileTheyAreAskedFor) {
    const OwnCgroup cgroup("none");
    Recorder r(Detail{.cgroups = {cgroup.path()}, .syscalls = SyscallDetail::each});
    ASSERT_TRUE(r.source->focus({.cgroups = {cgroup.path()}}));
    WatchedChild child(cgroup, make_calls);
    child.wait();
    ASSERT_TRUE(r.poll_until_exit(child.pid()));
    EXPECT_TRUE(r.of<SyscallDone>(child.pid()).empty());
}

}  // namespace
}  // namespace autotune::test
