// CPU and run-queue time at invocation boundaries against the kernel's own account of the same thread.
#include <bpf/bpf.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string_view>
#include <thread>

#include "tests/agent/bpf/kernel/fake_runtime_api.hpp"
#include "tests/agent/bpf/kernel/recorder.hpp"
#include "tests/agent/bpf/kernel/watched_child.hpp"

namespace autotune::test {
namespace {

// The kernel's account of the calling process: all its threads' CPU time, and the main thread's wait for a
// CPU.
struct Account {
    double cpu_ns = 0;
    double waiting_ns = 0;
    static Account read() {
        timespec t{};
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
        Account a;
        a.cpu_ns = static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
        double running = 0;
        std::ifstream("/proc/self/schedstat") >> running >> a.waiting_ns;
        return a;
    }
};

// The boundaries lie between these: outside and inside of the receive that starts the invocation, inside and
// outside of the send that ends it.
struct Seen {
    Account before_start, after_start, before_end, after_end;
};

class BpfUsage : public ::testing::Test {
protected:
    void SetUp() override { AUTOTUNE_NEEDS_BPF(); }

    static void burn(std::chrono::milliseconds time) {
        const auto end = std::chrono::steady_clock::now() + time;
        while (std::chrono::steady_clock::now() < end) {
        }
    }
    // Until the thread has waited for a CPU so much longer than that.
    static void burn_until_waited(std::chrono::nanoseconds time, double than) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
        while (Account::read().waiting_ns < than + static_cast<double>(time.count()) &&
               std::chrono::steady_clock::now() < end)
            burn(std::chrono::milliseconds(20));
    }
    // One invocation, from its start to its response; what the kernel counted in it goes to `seen`.
    static int execute(std::uint16_t port, Seen& seen, const std::function<void()>& handler) {
        const Fd fd(socket(AF_INET, SOCK_STREAM, 0));
        if (connect_to(fd.get(), port) != 0) return 1;
        if (!send_all(fd.get(), "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\n\r\n")) return 2;
        char buffer[4096];
        seen.before_start = Account::read();
        if (read(fd.get(), buffer, sizeof buffer) <= 0) return 3;
        seen.after_start = Account::read();
        handler();
        seen.before_end = Account::read();
        send_all(fd.get(),
                 "POST /2018-06-01/runtime/invocation/abc/response HTTP/1.1\r\nContent-Length: 0\r\n\r\n");
        seen.after_end = Account::read();
        return 0;
    }
    // Two percent, and `slack` for reading the accounts.
    static void expect_within(double told, const Seen& seen, double Account::*what, double slack = 1e6) {
        const double least = seen.before_end.*what - seen.after_start.*what;
        const double most = seen.after_end.*what - seen.before_start.*what;
        EXPECT_GE(told, 0.98 * least - slack);
        EXPECT_LE(told, 1.02 * most + slack);
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

// True: what threads wait for is given up, and nobody settles at context switches (bpf/parts/settle.bpf.h).
class BpfUsageEitherWay : public BpfUsage, public ::testing::WithParamInterface<bool> {
protected:
    static Detail detail(const OwnCgroup& cgroup) {
        Detail detail{.cgroups = {cgroup.path()}};
        detail.shed.files = detail.shed.sockets = detail.shed.causes = GetParam();
        return detail;
    }
};

INSTANTIATE_TEST_SUITE_P(Switches, BpfUsageEitherWay, ::testing::Bool(),
                         [](const auto& one) { return one.param ? "InBrief" : "InFull"; });

TEST_P(BpfUsageEitherWay, CpuAndRunnableTimeOfAThrottledLoopAgreeWithTheSchedulersOwn) {
    const OwnCgroup cgroup("throttled", {Controller::cpu});
    if (!cgroup.has(Controller::cpu)) GTEST_SKIP() << "no cpu controller";
    ASSERT_TRUE(cgroup.limit_cpu(6000, 20000));
    Recorder r(detail(cgroup));
    FakeRuntimeApi api({{.id = "abc", .payload = "{}"}}, 1);
    Shared<Seen> seen;
    WatchedChild child(cgroup, [&] {
        return execute(api.port(), *seen, [&] {
            burn_until_waited(std::chrono::milliseconds(500), seen->after_start.waiting_ns);
        });
    });
    EXPECT_EQ(child.wait(), 0);
    ASSERT_TRUE(r.poll_until_exit(child.pid()));
    const auto [from, to] = boundaries(r, child.pid());
    EXPECT_GT(seen->before_end.waiting_ns - seen->after_start.waiting_ns, 0.4e9);  // it was throttled indeed
    expect_within(static_cast<double>(to.cpu_ns - from.cpu_ns), *seen, &Account::cpu_ns);
    expect_within(static_cast<double>(to.runnable_ns - from.runnable_ns), *seen, &Account::waiting_ns);
}

TEST_P(BpfUsageEitherWay, CountsAllThreadsAlsoThoseThatRunAtThatInstant) {
    const OwnCgroup cgroup("threads");
    Recorder r(detail(cgroup));
    FakeRuntimeApi api({{.id = "abc", .payload = "{}"}}, 1);
    Shared<Seen> seen;
    WatchedChild child(cgroup, [&] {
        return execute(api.port(), *seen, [] {
            std::thread helper([] { burn(std::chrono::milliseconds(200)); });
            burn(std::chrono::milliseconds(100));
            helper.detach();  // it is in the middle of its loop
        });
    });
    EXPECT_EQ(child.wait(), 0);
    ASSERT_TRUE(r.poll_until_exit(child.pid()));
    const auto [from, to] = boundaries(r, child.pid());
    // A sibling's running slice is taken by our own clock, which an unseen switch can set wrong.
    expect_within(static_cast<double>(to.cpu_ns - from.cpu_ns), *seen, &Account::cpu_ns, 6e6);
}

// Some have run and wait, some have ended.
TEST_P(BpfUsageEitherWay, CountsThreadsThatHaveRun) {
    constexpr int kThreads = 20;
    const OwnCgroup cgroup("have_run");
    Recorder r(detail(cgroup));
    FakeRuntimeApi api({{.id = "abc", .payload = "{}"}}, 1);
    Shared<Seen> seen;
    WatchedChild child(cgroup, [&] {
        std::atomic<int> ran = 0;
        std::atomic<bool> over = false;
        std::vector<std::thread> threads;
        const int failed = execute(api.port(), *seen, [&] {
            for (int n = 0; n < kThreads; ++n)
                threads.emplace_back([&, n] {
                    burn(std::chrono::milliseconds(5));
                    ++ran;
                    while (n % 2 == 0 && !over) std::this_thread::sleep_for(std::chrono::milliseconds(300));
                });
            while (ran < kThreads) std::this_thread::sleep_for(std::chrono::milliseconds(1));
            for (int n = 1; n < kThreads; n += 2) threads[static_cast<std::size_t>(n)].join();
        });
        over = true;
        for (std::thread& thread : threads)
            if (thread.joinable()) thread.join();
        return failed;
    });
    EXPECT_EQ(child.wait(), 0);
    ASSERT_TRUE(r.poll_until_exit(child.pid()));
    const auto [from, to] = boundaries(r, child.pid());
    expect_within(static_cast<double>(to.cpu_ns - from.cpu_ns), *seen, &Account::cpu_ns, 6e6);
}

// Of this process: what the kernel side knows of each CPU. -1: it has none.
int slices_of_the_source() {
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
        const int fd = std::atoi(entry.path().filename().c_str());
        bpf_map_info info{};
        __u32 size = sizeof info;
        std::error_code gone;
        if (std::filesystem::read_symlink(entry.path(), gone).string().find("bpf-map") == std::string::npos) continue;
        if (bpf_obj_get_info_by_fd(fd, &info, &size) == 0 && std::string_view(info.name) == "slices") return fd;
    }
    return -1;
}

// As if nothing had been seen of any CPU since it did something else.
void forget_slices(int fd) {
    const std::array<std::uint64_t, 8> nothing{};
    for (std::uint32_t cpu = 0; cpu < std::thread::hardware_concurrency(); ++cpu)
        bpf_map_update_elem(fd, &cpu, nothing.data(), BPF_ANY);
}

// Now and then a switch passes by unseen (docs/decisions/0004).
TEST_F(BpfUsage, CountsASiblingThatWasPutOnItsCpuUnseen) {
    if (std::thread::hardware_concurrency() < 2) GTEST_SKIP() << "needs two CPUs";
    const OwnCgroup cgroup("unseen");
    Recorder r({cgroup.path()});
    const int slices = slices_of_the_source();
    ASSERT_GE(slices, 0);
    FakeRuntimeApi api({{.id = "abc", .payload = "{}"}}, 1);
    Shared<Seen> seen;
    WatchedChild child(cgroup, [&] {
        return execute(api.port(), *seen, [&] {
            std::atomic<bool> runs = false;
            std::thread helper([&] {
                runs = true;
                burn(std::chrono::milliseconds(400));
            });
            while (!runs) {
            }
            burn(std::chrono::milliseconds(100));
            helper.detach();
            forget_slices(slices);
        });
    });
    EXPECT_EQ(child.wait(), 0);
    ASSERT_TRUE(r.poll_until_exit(child.pid()));
    const auto [from, to] = boundaries(r, child.pid());
    expect_within(static_cast<double>(to.cpu_ns - from.cpu_ns), *seen, &Account::cpu_ns, 6e6);
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

TEST_F(BpfUsage, TheThreadThatSpeaksTellsItsTimesJustBeforeEachBoundary) {
    const OwnCgroup cgroup("boundaries");
    Recorder r({cgroup.path()});
    FakeRuntimeApi api({{.id = "abc", .payload = "{}"}}, 1);
    Shared<Seen> seen;
    WatchedChild child(cgroup, [&] {
        return execute(api.port(), *seen, [] { std::this_thread::sleep_for(std::chrono::milliseconds(100)); });
    });
    EXPECT_EQ(child.wait(), 0);
    ASSERT_TRUE(r.poll_until_exit(child.pid()));
    std::optional<ThreadTimes> last, at_start, at_end;
    Timestamp start{}, end{};
    std::vector<Event> events = r.batch.events;
    std::stable_sort(events.begin(), events.end(), [](const Event& a, const Event& b) { return a.at < b.at; });
    for (const Event& e : events) {
        if (e.process.pid != child.pid()) continue;
        if (const auto* times = std::get_if<ThreadTimes>(&e.body)) last = *times;
        if (std::holds_alternative<InvocationStarted>(e.body)) at_start = last, start = e.at;
        if (std::holds_alternative<InvocationEnded>(e.body)) at_end = last, end = e.at;
    }
    ASSERT_TRUE(at_start && at_end);
    const double wall = static_cast<double>((at_end->wall - at_start->wall).count());
    EXPECT_NEAR(wall, static_cast<double>((end - start).count()), 1e6);
    const auto slept = [](const ThreadTimes& t) {
        return t.off_cpu[static_cast<std::size_t>(WaitCause::sleep)] +
               t.off_cpu[static_cast<std::size_t>(WaitCause::unknown)];
    };
    EXPECT_GE(slept(*at_end) - slept(*at_start), std::chrono::milliseconds(100));
}

}  // namespace
}  // namespace autotune::test
