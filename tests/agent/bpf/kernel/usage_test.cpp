// CPU and run-queue time at invocation boundaries against the kernel's own account of the same thread.
#include <gtest/gtest.h>
#include <sys/uio.h>

#include <cstring>
#include <fstream>

#include "tests/agent/bpf/kernel/fake_runtime_api.hpp"
#include "tests/agent/bpf/kernel/recorder.hpp"
#include "tests/agent/bpf/kernel/watched_child.hpp"

namespace autotune::test {
namespace {

// /proc/self/schedstat: time running, time waiting for a CPU; nanoseconds.
struct Schedstat {
    std::uint64_t running = 0;
    std::uint64_t waiting = 0;
    static Schedstat read() {
        Schedstat s;
        std::ifstream("/proc/self/schedstat") >> s.running >> s.waiting;
        return s;
    }
};

struct Seen {
    Schedstat before, after;
    std::uint64_t memory = 0;
};

class BpfUsage : public ::testing::Test {
protected:
    void SetUp() override { AUTOTUNE_NEEDS_BPF(); }

    static void burn(std::chrono::milliseconds time) {
        const auto end = std::chrono::steady_clock::now() + time;
        while (std::chrono::steady_clock::now() < end) {
        }
    }
    // One invocation, from its start to its response; what the kernel counted in it goes to `seen`.
    static int execute(std::uint16_t port, Seen& seen, const std::function<void()>& handler) {
        const Fd fd(socket(AF_INET, SOCK_STREAM, 0));
        if (connect_to(fd.get(), port) != 0) return 1;
        if (!send_all(fd.get(), "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\n\r\n")) return 2;
        char buffer[4096];
        if (read(fd.get(), buffer, sizeof buffer) <= 0) return 3;
        seen.before = Schedstat::read();
        handler();
        seen.after = Schedstat::read();
        send_all(fd.get(),
                 "POST /2018-06-01/runtime/invocation/abc/response HTTP/1.1\r\nContent-Length: 0\r\n\r\n");
        return 0;
    }
    static std::pair<CgroupUsage, CgroupUsage> boundaries(const Recorder& r, pid_t pid) {
        const auto started = r.of<InvocationStarted>(pid);
        const auto ended = r.of<InvocationEnded>(pid);
        if (started.size() != 1 || ended.size() != 1) {
            ADD_FAILURE() << started.size() << " starts, " << ended.size() << " ends";
            return {};
        }
        return {started[0].usage, ended[0].usage};
    }
};

TEST_F(BpfUsage, CpuAndRunnableTimeOfAThrottledLoopAgreeWithTheSchedulersOwn) {
    const OwnCgroup cgroup("throttled", {Controller::cpu});
    if (!cgroup.has(Controller::cpu)) GTEST_SKIP() << "no cpu controller";
    ASSERT_TRUE(cgroup.limit_cpu(6000, 20000));
    Recorder r({cgroup.path()});
    FakeRuntimeApi api({{.id = "abc", .payload = "{}"}}, 1);
    Shared<Seen> seen;
    WatchedChild child(
        cgroup, [&] { return execute(api.port(), *seen, [] { burn(std::chrono::milliseconds(1000)); }); });
    EXPECT_EQ(child.wait(), 0);
    ASSERT_TRUE(r.poll_until_exit(child.pid()));
    const auto [from, to] = boundaries(r, child.pid());
    const double running = static_cast<double>(seen->after.running - seen->before.running);
    const double waiting = static_cast<double>(seen->after.waiting - seen->before.waiting);
    EXPECT_GT(waiting, 0.4e9);  // it was throttled indeed
    EXPECT_NEAR(static_cast<double>(to.cpu_ns - from.cpu_ns), running, 0.02 * running + 1e6);
    EXPECT_NEAR(static_cast<double>(to.runnable_ns - from.runnable_ns), waiting, 0.02 * waiting + 1e6);
}

TEST_F(BpfUsage, CountsAllThreadsAlsoThoseThatRunAtThatInstant) {
    const OwnCgroup cgroup("threads");
    Recorder r({cgroup.path()});
    FakeRuntimeApi api({{.id = "abc", .payload = "{}"}}, 1);
    Shared<Seen> seen;
    Shared<std::uint64_t> burnt;
    WatchedChild child(cgroup, [&] {
        return execute(api.port(), *seen, [&] {
            timespec t{};
            std::thread helper([] { burn(std::chrono::milliseconds(200)); });
            burn(std::chrono::milliseconds(100));
            clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);  // the helper is in the middle of its loop
            *burnt = static_cast<std::uint64_t>(t.tv_sec * 1'000'000'000 + t.tv_nsec);
            helper.detach();
        });
    });
    EXPECT_EQ(child.wait(), 0);
    ASSERT_TRUE(r.poll_until_exit(child.pid()));
    const auto [from, to] = boundaries(r, child.pid());
    const double told = static_cast<double>(to.cpu_ns - from.cpu_ns);
    EXPECT_NEAR(told, static_cast<double>(*burnt), 0.05 * static_cast<double>(*burnt) + 2e6);
}

TEST_F(BpfUsage, MemoryIsTheControllersOwn) {
    const OwnCgroup cgroup("memory", {Controller::memory});
    if (!cgroup.has(Controller::memory)) GTEST_SKIP() << "no memory controller";
    ASSERT_TRUE(cgroup.limit_memory(128u << 20));
    Recorder r({cgroup.path()});
    FakeRuntimeApi api({{.id = "abc", .payload = "{}"}}, 1);
    Shared<Seen> seen;
    WatchedChild child(cgroup, [&] {
        return execute(api.port(), *seen, [] {
            constexpr std::size_t size = 40u << 20;
            void* p = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            std::memset(p, 1, size);
            munmap(p, size);
        });
    });
    EXPECT_EQ(child.wait(), 0);
    ASSERT_TRUE(r.poll_until_exit(child.pid()));
    const auto [from, to] = boundaries(r, child.pid());
    EXPECT_EQ(to.memory_limit, 128u << 20);
    EXPECT_EQ(to.memory_peak, cgroup.memory_peak());
    EXPECT_GT(to.memory_peak, 40u << 20);
    EXPECT_LT(to.memory_now, 10u << 20);
    EXPECT_LT(from.memory_peak, 10u << 20);
}

}  // namespace
}  // namespace autotune::test
