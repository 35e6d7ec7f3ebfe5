// The Runtime API heard at sockets while nothing else is told, and the change to and from hearing it at system calls.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <iterator>
#include <map>

#include "tests/agent/bpf/kernel/recorder.hpp"
#include "tests/agent/bpf/kernel/speaker.hpp"
#include "tests/agent/bpf/kernel/watched_child.hpp"

namespace autotune::test {
namespace {

bool has_socket_ends() {
    std::ifstream file("/sys/kernel/btf/vmlinux", std::ios::binary);
    const std::string types{std::istreambuf_iterator<char>(file), {}};
    return types.find("btf_trace_sock_send_length") != std::string::npos;
}

Detail boundaries_only(const OwnCgroup& cgroup) {
    Detail detail{.cgroups = {cgroup.path()}};
    detail.shed.files = detail.shed.sockets = true;
    return detail;
}

class BpfSocketEnds : public ::testing::Test {
protected:
    void SetUp() override { AUTOTUNE_NEEDS_BPF(); }
};

TEST_F(BpfSocketEnds, NoSystemCallIsLookedAt) {
    if (!has_socket_ends()) GTEST_SKIP() << "this kernel has no tracepoint sock:sock_send_length (Linux 6.3)";
    const OwnCgroup cgroup("ends");
    Recorder r(boundaries_only(cgroup));
    FakeRuntimeApi api(work(10), 1);
    WatchedChild child(cgroup, [&] {
        Speaker speaker(api.port());
        for (int n = 0; n < 10; ++n) {
            const std::string id = speaker.next();
            char byte;
            const Fd zero(open("/dev/zero", O_RDONLY));
            for (int i = 0; i < 100; ++i)
                if (read(zero.get(), &byte, 1) != 1) return 1;
            speaker.post(id, n % 2 != 0 ? "/error" : "/response");
        }
        return 0;
    });
    EXPECT_EQ(child.wait(), 0);
    ASSERT_TRUE(r.poll_until_exit(child.pid()));
    ASSERT_TRUE(r.source->poll(Nanos(0), r.batch));
    const auto started = r.events_of<InvocationStarted>(child.pid());
    const auto ended = r.events_of<InvocationEnded>(child.pid());
    ASSERT_EQ(started.size(), 10U);
    ASSERT_EQ(ended.size(), 10U);
    for (std::size_t i = 0; i < 10; ++i) {
        EXPECT_LT(started[i].at, ended[i].at);
        EXPECT_EQ(std::get<InvocationEnded>(ended[i].body).kind, i % 2 != 0 ? EndKind::error : EndKind::response);
    }
    for (const Lost& l : r.of<Lost>()) EXPECT_NE(l.kind, LossKind::shed) << l.count;  // a call was looked at
}

// The budget takes back and gives up again, at any moment of any call: each invocation is told once.
TEST_F(BpfSocketEnds, ChangingFromCallsToSocketsAndBackTellsEachInvocationOnce) {
    constexpr int kMany = 1'000;
    constexpr int kChanges = 10;
    const OwnCgroup cgroup("changes");
    Detail detail = boundaries_only(cgroup);
    Recorder r(detail);
    FakeRuntimeApi api(work(kMany), 1);
    Shared<std::atomic<int>> changes;
    WatchedChild child(cgroup, [&] {
        Speaker speaker(api.port());
        for (int n = 0; n < kMany; ++n) {
            while (*changes < n * kChanges / kMany) usleep(100);  // however slow the watcher is, it changes among the calls
            speaker.post(speaker.next(), "/response");
        }
        return 0;
    });
    ASSERT_TRUE(r.poll_until([&] {
        detail.shed.files = detail.shed.sockets = *changes % 2 != 0;
        EXPECT_TRUE(r.source->focus(detail));
        ++*changes;
        return !r.of<ProcessExited>(child.pid()).empty();
    }));
    EXPECT_EQ(child.wait(), 0);
    std::map<std::string, int> started, ended;
    for (const InvocationStarted& s : r.of<InvocationStarted>(child.pid())) ++started[s.id.str()];
    for (const InvocationEnded& e : r.of<InvocationEnded>(child.pid())) ++ended[e.id.str()];
    for (int n = 0; n < kMany; ++n) {
        EXPECT_EQ(started[id_of(n)], 1) << n;
        EXPECT_EQ(ended[id_of(n)], 1) << n;
    }
}

// Whoever nobody asked for is found by what it says, at sockets too.
TEST_F(BpfSocketEnds, AnExecutorIsDiscovered) {
    const OwnCgroup cgroup("found");
    Detail detail = boundaries_only(cgroup);
    detail.cgroups.clear();
    Recorder r(detail);
    FakeRuntimeApi api(work(5), 1);
    WatchedChild child(cgroup, [&] {
        Speaker speaker(api.port());
        for (int n = 0; n < 5; ++n) speaker.post(speaker.next(), "/response");
        return 0;
    });
    EXPECT_EQ(child.wait(), 0);
    ASSERT_TRUE(r.poll_until([&] { return r.of<InvocationEnded>(child.pid()).size() == 5; }));
    EXPECT_EQ(r.of<InvocationStarted>(child.pid()).size(), 5U);
}

}  // namespace
}  // namespace autotune::test
