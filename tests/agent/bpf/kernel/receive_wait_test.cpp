// How long a receive waited, where the wait was a poll, select or epoll_wait before it.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <functional>
#include <thread>

#include "os/file.hpp"
#include "tests/agent/bpf/kernel/loopback.hpp"
#include "tests/agent/bpf/kernel/recorder.hpp"
#include "tests/agent/bpf/kernel/watched_child.hpp"

namespace autotune::test {
namespace {

class BpfReceiveWaits : public ::testing::Test {
protected:
    void SetUp() override { AUTOTUNE_NEEDS_BPF(); }

    // The child that is just about to wait; 0: none is.
    using About = Shared<std::atomic<pid_t>>;
    // Makes its wait last 80 ms at least, however late it begins: they count from when it was seen asleep.
    static void outlast(const About& about) {
        EXPECT_TRUE(wait_until([&] {
            if (*about == 0) return false;
            const std::string stat = read_file("/proc/" + std::to_string(*about) + "/stat").value_or("");
            const auto name_ends = stat.rfind(") ");
            return name_ends == std::string::npos || stat.substr(name_ends + 2, 1) == "S";
        }));
        *about = 0;
        usleep(80'000);
    }
    struct Receives {
        std::vector<IoDone> told;
        // By the child's clock.
        Timestamp before_poll, after_poll, before_receive, after_receive;
    };
    // The receives of a child that polls 80 ms for four bytes, does `between`, and takes them.
    static Receives receives_after_poll(const char* name, const std::function<void(int)>& between) {
        const OwnCgroup cgroup(name);
        Recorder r({cgroup.path()});
        const Fd listener = listening();
        const std::uint16_t port = port_of(listener.get());
        About about;
        Shared<std::array<Timestamp, 4>> clock;
        std::thread peer([&] {
            const Fd c(accept(listener.get(), nullptr, nullptr));
            outlast(about);
            send_all(c.get(), "late");
            swallow(c.get());
        });
        WatchedChild child(cgroup, [&] {
            const Fd fd(socket(AF_INET, SOCK_STREAM, 0));
            if (connect_to(fd.get(), port) != 0) return 1;
            pollfd p{fd.get(), POLLIN, 0};
            (*clock)[0] = SystemClock().now();
            *about = getpid();
            if (poll(&p, 1, 60'000) != 1) return 2;
            (*clock)[1] = SystemClock().now();
            between(fd.get());
            char buffer[16];
            (*clock)[2] = SystemClock().now();
            const ssize_t taken = recv(fd.get(), buffer, sizeof buffer, MSG_DONTWAIT);
            (*clock)[3] = SystemClock().now();
            return taken == 4 ? 0 : 3;
        });
        EXPECT_EQ(child.wait(), 0);
        peer.join();
        EXPECT_TRUE(r.poll_until_exit(child.pid()));
        const auto [before_poll, after_poll, before_receive, after_receive] = *clock;
        Receives receives{{}, before_poll, after_poll, before_receive, after_receive};
        for (const IoDone& io : r.of<IoDone>(child.pid()))
            if (io.op == IoOp::receive) receives.told.push_back(io);
        return receives;
    }
};

TEST_F(BpfReceiveWaits, CountsThePollBeforeAReceiveAsItsWait) {
    const OwnCgroup cgroup("poll");
    Recorder r({cgroup.path()});
    const Fd listener = listening();
    const std::uint16_t port = port_of(listener.get());
    About about;
    std::thread peer([&] {
        const Fd c(accept(listener.get(), nullptr, nullptr));
        outlast(about);
        send_all(c.get(), "late");
        swallow(c.get());
    });
    WatchedChild child(cgroup, [&] {
        const Fd fd(socket(AF_INET, SOCK_STREAM, 0));
        if (connect_to(fd.get(), port) != 0) return 1;
        pollfd p{fd.get(), POLLIN, 0};
        *about = getpid();
        if (poll(&p, 1, 60'000) != 1) return 2;
        char buffer[16];
        if (recv(fd.get(), buffer, sizeof buffer, MSG_DONTWAIT) != 4) return 3;
        return poll(&p, 1, 40) == 0 ? 0 : 4;  // and nothing more comes
    });
    EXPECT_EQ(child.wait(), 0);
    peer.join();
    ASSERT_TRUE(r.poll_until_exit(child.pid()));
    std::vector<IoDone> receives;
    for (const IoDone& io : r.of<IoDone>(child.pid()))
        if (io.op == IoOp::receive) receives.push_back(io);
    ASSERT_EQ(receives.size(), 2u);
    EXPECT_EQ(receives[0].result, 4);
    EXPECT_GE(to_ms(receives[0].waited), 80);
    EXPECT_GT(receives[0].latency, receives[0].waited);
    EXPECT_EQ(receives[1].waited, Nanos(0));
    EXPECT_EQ(receives[1].result, -ETIMEDOUT);
    EXPECT_GE(to_ms(receives[1].latency), 39);
    EXPECT_EQ(receives[1].peer, ipv4_endpoint(127, 0, 0, 1, port));
}

TEST_F(BpfReceiveWaits, LeaveOutWhatTheProgramDidAfterThePoll) {
    const auto receives = receives_after_poll("busy", [](int) { usleep(400'000); });
    ASSERT_EQ(receives.told.size(), 1u);
    EXPECT_GE(to_ms(receives.told[0].latency), 80);
    EXPECT_LE(receives.told[0].latency, (receives.after_poll - receives.before_poll) +
                                            (receives.after_receive - receives.before_receive));
}

TEST_F(BpfReceiveWaits, AreFoundAlsoWhenOtherCallsCameBetween) {
    const auto receives = receives_after_poll("between", [](int) {
        eventfd_t value = 0;
        eventfd_read(eventfd(1, EFD_CLOEXEC), &value);
    });
    ASSERT_EQ(receives.told.size(), 1u);
    EXPECT_GE(to_ms(receives.told[0].latency), 80);
}

TEST_F(BpfReceiveWaits, AreForgottenWhenAnotherWaitFollowed) {
    const auto receives = receives_after_poll("forget", [](int fd) {
        pollfd p{fd, POLLIN, 0};
        poll(&p, 1, 60'000);  // at once
    });
    ASSERT_EQ(receives.told.size(), 1u);
    EXPECT_LE(receives.told[0].latency, receives.after_receive - receives.after_poll);
}

TEST_F(BpfReceiveWaits, AreThoseOfSelectAndEpollToo) {
    const OwnCgroup cgroup("kinds");
    Recorder r({cgroup.path()});
    const Fd listener = listening();
    const std::uint16_t port = port_of(listener.get());
    About about;
    std::thread peer([&] {
        const Fd c(accept(listener.get(), nullptr, nullptr));
        char byte = 0;
        for (const char* word : {"one", "two"}) {
            outlast(about);
            send_all(c.get(), word);
            if (read(c.get(), &byte, 1) != 1) return;  // it has been taken
        }
        swallow(c.get());
    });
    WatchedChild child(cgroup, [&] {
        const Fd fd(socket(AF_INET, SOCK_STREAM, 0));
        const Fd other(eventfd(0, EFD_CLOEXEC));
        if (connect_to(fd.get(), port) != 0) return 1;
        fd_set set;
        FD_ZERO(&set);
        FD_SET(fd.get(), &set);
        FD_SET(other.get(), &set);
        *about = getpid();
        if (select(other.get() + 1, &set, nullptr, nullptr, nullptr) != 1) return 2;
        char buffer[16];
        if (read(fd.get(), buffer, sizeof buffer) != 3 || write(fd.get(), "+", 1) != 1) return 3;
        const Fd epoll(epoll_create1(EPOLL_CLOEXEC));
        epoll_event asked{.events = EPOLLIN, .data = {.u64 = 0x123456789abcdef0}};
        epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd.get(), &asked);
        epoll_event told{};
        *about = getpid();
        if (epoll_wait(epoll.get(), &told, 1, 60'000) != 1) return 4;
        if (read(fd.get(), buffer, sizeof buffer) != 3 || write(fd.get(), "+", 1) != 1) return 5;
        return 0;
    });
    EXPECT_EQ(child.wait(), 0);
    peer.join();
    ASSERT_TRUE(r.poll_until_exit(child.pid()));
    std::vector<double> waits;
    for (const IoDone& io : r.of<IoDone>(child.pid()))
        if (io.op == IoOp::receive) waits.push_back(to_ms(io.latency));
    ASSERT_EQ(waits.size(), 2u);
    EXPECT_GE(waits[0], 80);
    EXPECT_GE(waits[1], 80);
}

}  // namespace
}  // namespace autotune::test
