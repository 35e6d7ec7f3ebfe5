// Bytes, latency and addresses of socket calls, each form, against what the child itself counted.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <numeric>
#include <thread>

#include "tests/agent/bpf/kernel/loopback.hpp"
#include "tests/agent/bpf/kernel/recorder.hpp"
#include "tests/agent/bpf/kernel/watched_child.hpp"

namespace autotune::test {
namespace {

struct Counted {
    std::array<std::int64_t, 16> sent{};
    std::array<std::int64_t, 16> received{};
    std::uint16_t own_port = 0;
    std::int64_t spent_ns = 0;
};

class BpfSockets : public ::testing::Test {
protected:
    void SetUp() override { AUTOTUNE_NEEDS_BPF(); }

    static std::int64_t now_ns() {
        timespec t{};
        clock_gettime(CLOCK_MONOTONIC, &t);
        return t.tv_sec * 1'000'000'000 + t.tv_nsec;
    }
    static std::vector<std::int64_t> results(const Recorder& r, pid_t pid, IoOp op) {
        std::vector<std::int64_t> all;
        for (const IoDone& io : r.of<IoDone>(pid))
            if (io.op == op && io.peer.known()) all.push_back(io.result);
        return all;
    }
};

// One call of each form that sends; what each returned, in bytes.
void send_in_every_form(int fd, Counted& counted) {
    std::array<char, 3000> data{};
    std::size_t n = 0;
    counted.sent[n++] = write(fd, data.data(), 101);
    std::array<iovec, 3> v{{{data.data(), 10}, {data.data(), 200}, {data.data(), 5}}};
    counted.sent[n++] = writev(fd, v.data(), 3);
    counted.sent[n++] = sendto(fd, data.data(), 1000, 0, nullptr, 0);
    msghdr m{};
    m.msg_iov = v.data();
    m.msg_iovlen = 2;
    counted.sent[n++] = sendmsg(fd, &m, 0);
    std::array<mmsghdr, 2> mm{};
    mm[0].msg_hdr = m;
    mm[1].msg_hdr = m;
    mm[1].msg_hdr.msg_iovlen = 3;
    sendmmsg(fd, mm.data(), 2, 0);
    counted.sent[n++] = static_cast<std::int64_t>(mm[0].msg_len) + mm[1].msg_len;
    const int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    counted.sent[n++] = sendfile(fd, file, nullptr, 2500);
    close(file);
}

// The peer has sent plenty.
void receive_in_every_form(int fd, Counted& counted) {
    std::array<char, 3000> data{};
    std::size_t n = 0;
    counted.received[n++] = read(fd, data.data(), 77);
    std::array<iovec, 2> v{{{data.data(), 10}, {data.data() + 100, 33}}};
    counted.received[n++] = readv(fd, v.data(), 2);
    recv(fd, data.data(), 50, MSG_PEEK);  // moves nothing
    counted.received[n++] = recv(fd, data.data(), 500, 0);
    msghdr m{};
    m.msg_iov = v.data();
    m.msg_iovlen = 2;
    counted.received[n++] = recvmsg(fd, &m, 0);
    std::array<mmsghdr, 2> mm{};
    mm[0].msg_hdr = m;
    mm[1].msg_hdr = m;
    recvmmsg(fd, mm.data(), 2, 0, nullptr);
    counted.received[n++] = static_cast<std::int64_t>(mm[0].msg_len) + mm[1].msg_len;
}

TEST_F(BpfSockets, TellsExactlyTheBytesOfEveryForm) {
    const OwnCgroup cgroup("bytes");
    Recorder r({cgroup.path()});
    const Fd listener = listening();
    const std::uint16_t port = port_of(listener.get());
    std::size_t swallowed = 0;
    std::thread peer([&] {
        const Fd c(accept(listener.get(), nullptr, nullptr));
        send_all(c.get(), std::string(5000, 'x'));
        swallowed = swallow(c.get());
    });
    Shared<Counted> counted;
    WatchedChild child(cgroup, [&] {
        const Fd fd(socket(AF_INET, SOCK_STREAM, 0));
        if (connect_to(fd.get(), port) != 0) return 1;
        counted->own_port = port_of(fd.get());
        usleep(50'000);  // all 5,000 bytes are there: every receive is answered in full
        receive_in_every_form(fd.get(), *counted);
        send_in_every_form(fd.get(), *counted);
        shutdown(fd.get(), SHUT_WR);
        swallow(fd.get());
        return 0;
    });
    EXPECT_EQ(child.wait(), 0);
    peer.join();
    ASSERT_TRUE(r.poll_until_exit(child.pid()));

    const std::vector<std::int64_t> sent = results(r, child.pid(), IoOp::send);
    const std::vector<std::int64_t> sent_by_child(counted->sent.begin(), counted->sent.begin() + 6);
    EXPECT_EQ(sent, sent_by_child);
    EXPECT_EQ(static_cast<std::int64_t>(swallowed),
              std::accumulate(sent.begin(), sent.end(), std::int64_t{0}));

    std::vector<std::int64_t> received = results(r, child.pid(), IoOp::receive);
    ASSERT_GE(received.size(), 5u);
    received.resize(5);  // then the rest, in whatever pieces
    EXPECT_EQ(received, std::vector<std::int64_t>(counted->received.begin(), counted->received.begin() + 5));

    for (const IoDone& io : r.of<IoDone>(child.pid())) {
        if (io.op != IoOp::send) continue;
        EXPECT_EQ(io.peer, ipv4_endpoint(127, 0, 0, 1, port));
        EXPECT_EQ(io.local, ipv4_endpoint(127, 0, 0, 1, counted->own_port));
        EXPECT_GT(io.latency.count(), 0);
    }
    EXPECT_TRUE(r.of<Lost>().empty());
}

TEST_F(BpfSockets, MeasuresTheWaitOfAReceive) {
    const OwnCgroup cgroup("wait");
    Recorder r({cgroup.path()});
    const Fd listener = listening();
    const std::uint16_t port = port_of(listener.get());
    std::thread peer([&] {
        const Fd c(accept(listener.get(), nullptr, nullptr));
        usleep(80'000);
        send_all(c.get(), "late");
    });
    Shared<Counted> counted;
    WatchedChild child(cgroup, [&] {
        const Fd fd(socket(AF_INET, SOCK_STREAM, 0));
        if (connect_to(fd.get(), port) != 0) return 1;
        char buffer[16];
        const std::int64_t before = now_ns();
        if (read(fd.get(), buffer, sizeof buffer) != 4) return 2;
        counted->spent_ns = now_ns() - before;
        return 0;
    });
    EXPECT_EQ(child.wait(), 0);
    peer.join();
    ASSERT_TRUE(r.poll_until_exit(child.pid()));
    for (const IoDone& io : r.of<IoDone>(child.pid())) {
        if (io.op != IoOp::receive) continue;
        EXPECT_EQ(io.result, 4);
        EXPECT_NEAR(to_ms(io.latency), static_cast<double>(counted->spent_ns) / 1e6, 2.0);
        return;
    }
    ADD_FAILURE() << "the receive was not told";
}

TEST_F(BpfSockets, TellsARefusedConnectionAndByWhom) {
    const OwnCgroup cgroup("refused");
    Recorder r({cgroup.path()});
    const Fd bound(socket(AF_INET, SOCK_STREAM, 0));  // kept, and does not listen: nobody else can
    const sockaddr_in a = loopback(0);
    ASSERT_EQ(bind(bound.get(), reinterpret_cast<const sockaddr*>(&a), sizeof a), 0);
    const std::uint16_t port = port_of(bound.get());
    WatchedChild child(cgroup, [&] {
        const Fd blocking(socket(AF_INET, SOCK_STREAM, 0));
        if (connect_to(blocking.get(), port) == 0 || errno != ECONNREFUSED) return 1;
        const Fd not_blocking(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
        if (connect_to(not_blocking.get(), port) == 0) return 2;
        return 0;
    });
    EXPECT_EQ(child.wait(), 0);
    ASSERT_TRUE(r.poll_until_exit(child.pid()));
    int told = 0;
    for (const IoDone& io : r.of<IoDone>(child.pid())) {
        if (io.op != IoOp::connect) continue;
        ++told;
        EXPECT_EQ(io.result, -ECONNREFUSED);
        EXPECT_EQ(io.peer, ipv4_endpoint(127, 0, 0, 1, port));
    }
    EXPECT_EQ(told, 2);
}

TEST_F(BpfSockets, TellsTheEndOfAConnectThatDidNotWait) {
    const OwnCgroup cgroup("inprogress");
    Recorder r({cgroup.path()});
    const Fd listener = listening();
    const std::uint16_t port = port_of(listener.get());
    WatchedChild child(cgroup, [&] {
        const Fd fd(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
        if (connect_to(fd.get(), port) != -1 || errno != EINPROGRESS) return 1;
        pollfd p{fd.get(), POLLOUT, 0};
        return poll(&p, 1, 1000) == 1 ? 0 : 2;
    });
    EXPECT_EQ(child.wait(), 0);
    ASSERT_TRUE(r.poll_until_exit(child.pid()));
    int told = 0;
    for (const IoDone& io : r.of<IoDone>(child.pid())) {
        if (io.op != IoOp::connect) continue;
        ++told;
        EXPECT_EQ(io.result, 0);
        EXPECT_TRUE(io.blocking_wait);
        EXPECT_EQ(io.peer, ipv4_endpoint(127, 0, 0, 1, port));
    }
    EXPECT_EQ(told, 1);
}

TEST_F(BpfSockets, TellsTheAcceptingSideWithItsPeer) {
    const OwnCgroup cgroup("accept");
    Recorder r({cgroup.path()});
    const Fd listener = listening();
    const std::uint16_t port = port_of(listener.get());
    WatchedChild child(cgroup, [&] {
        const Fd c(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
        return swallow(c.get()) == 5 ? 0 : 1;
    });
    const Fd client(socket(AF_INET, SOCK_STREAM, 0));
    ASSERT_EQ(connect_to(client.get(), port), 0);
    const std::uint16_t own = port_of(client.get());
    send_all(client.get(), "hello");
    shutdown(client.get(), SHUT_WR);
    EXPECT_EQ(child.wait(), 0);
    ASSERT_TRUE(r.poll_until_exit(child.pid()));
    bool accepted = false;
    for (const IoDone& io : r.of<IoDone>(child.pid())) {
        if (io.op != IoOp::accept) continue;
        accepted = true;
        EXPECT_EQ(io.peer, ipv4_endpoint(127, 0, 0, 1, own));
        EXPECT_EQ(io.local, ipv4_endpoint(127, 0, 0, 1, port));
    }
    EXPECT_TRUE(accepted);
}

TEST_F(BpfSockets, NamesUnixSocketsByTheirPath) {
    const OwnCgroup cgroup("unix");
    Recorder r({cgroup.path()});
    const std::string path = "/tmp/autotune-test-" + std::to_string(getpid()) + ".sock";
    sockaddr_un a{};
    a.sun_family = AF_UNIX;
    std::strncpy(a.sun_path, path.c_str(), sizeof a.sun_path - 1);
    const Fd listener(socket(AF_UNIX, SOCK_STREAM, 0));
    ASSERT_EQ(bind(listener.get(), reinterpret_cast<const sockaddr*>(&a), sizeof a), 0);
    ASSERT_EQ(listen(listener.get(), 1), 0);
    WatchedChild child(cgroup, [&] {
        const Fd fd(socket(AF_UNIX, SOCK_STREAM, 0));
        if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&a), sizeof a) != 0) return 1;
        return write(fd.get(), "abc", 3) == 3 ? 0 : 2;
    });
    EXPECT_EQ(child.wait(), 0);
    unlink(path.c_str());
    ASSERT_TRUE(r.poll_until_exit(child.pid()));
    int told = 0;
    for (const IoDone& io : r.of<IoDone>(child.pid())) {
        if (io.op != IoOp::connect && io.op != IoOp::send) continue;
        ++told;
        EXPECT_EQ(r.text(io.path), path);
        EXPECT_EQ(io.peer.family, AddressFamily::unix_path);
    }
    EXPECT_EQ(told, 2);
}

}  // namespace
}  // namespace autotune::test
