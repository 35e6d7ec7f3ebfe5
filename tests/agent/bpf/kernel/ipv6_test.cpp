// IPv6: connections and datagrams, and IPv4 through an IPv6 socket.
#include <gtest/gtest.h>

#include <thread>

#include "tests/agent/bpf/kernel/loopback.hpp"
#include "tests/agent/bpf/kernel/recorder.hpp"
#include "tests/agent/bpf/kernel/watched_child.hpp"

namespace autotune::test {
namespace {

sockaddr_in6 loopback6(std::uint16_t port) {
    sockaddr_in6 a{};
    a.sin6_family = AF_INET6;
    a.sin6_port = htons(port);
    a.sin6_addr = in6addr_loopback;
    return a;
}

std::uint16_t port6_of(int fd) {
    sockaddr_in6 a{};
    socklen_t size = sizeof a;
    getsockname(fd, reinterpret_cast<sockaddr*>(&a), &size);
    return ntohs(a.sin6_port);
}

Endpoint endpoint6(std::uint16_t port) {
    Endpoint e;
    e.family = AddressFamily::ipv6;
    e.address.fill(0);
    e.address.back() = 1;
    e.port = port;
    return e;
}

class BpfIpv6 : public ::testing::Test {
protected:
    void SetUp() override {
        AUTOTUNE_NEEDS_BPF();
        const Fd fd(socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        const sockaddr_in6 own = loopback6(0);
        if (!fd || bind(fd.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own) != 0)
            GTEST_SKIP() << "this machine has no ::1";
    }
    static Fd bound(int type) {
        Fd fd(socket(AF_INET6, type | SOCK_CLOEXEC, 0));
        const sockaddr_in6 own = loopback6(0);
        if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own) != 0) fd.close();
        return fd;
    }
    static std::vector<IoDone> told(const Recorder& r, pid_t pid) {
        std::vector<IoDone> all;
        for (const IoDone& io : r.of<IoDone>(pid))
            if (io.op <= IoOp::receive) all.push_back(io);
        return all;
    }
};

TEST_F(BpfIpv6, ConnectionsAreToldWithBothEnds) {
    const OwnCgroup cgroup("ipv6");
    Recorder r({cgroup.path()});
    const Fd listener = bound(SOCK_STREAM);
    ASSERT_EQ(listen(listener.get(), 1), 0);
    const std::uint16_t port = port6_of(listener.get());
    std::uint16_t client_port = 0;
    std::thread peer([&] {
        sockaddr_in6 from{};
        socklen_t size = sizeof from;
        const Fd c(accept(listener.get(), reinterpret_cast<sockaddr*>(&from), &size));
        client_port = ntohs(from.sin6_port);
        swallow(c.get());
    });
    WatchedChild child(cgroup, [&] {
        const Fd fd(socket(AF_INET6, SOCK_STREAM, 0));
        const sockaddr_in6 to = loopback6(port);
        if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) return 1;
        return send_all(fd.get(), "hello") ? 0 : 2;
    });
    EXPECT_EQ(child.wait(), 0);
    peer.join();
    ASSERT_TRUE(r.poll_until_exit(child.pid()));
    const auto all = told(r, child.pid());
    ASSERT_EQ(all.size(), 2u);
    EXPECT_EQ(all[0].op, IoOp::connect);
    for (const IoDone& io : all) {
        EXPECT_EQ(io.peer, endpoint6(port));
        EXPECT_EQ(io.local, endpoint6(client_port));
    }
    EXPECT_EQ(all[1].result, 5);
}

TEST_F(BpfIpv6, AcceptedConnectionsAreToldWithWhoCalled) {
    const OwnCgroup cgroup("ipv6-accept");
    Recorder r({cgroup.path()});
    const Fd listener = bound(SOCK_STREAM);
    ASSERT_EQ(listen(listener.get(), 1), 0);
    const std::uint16_t port = port6_of(listener.get());
    const Fd client(socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_in6 to = loopback6(port);
    ASSERT_EQ(connect(client.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
    WatchedChild child(cgroup, [&] {
        const Fd c(accept(listener.get(), nullptr, nullptr));
        return c ? 0 : 1;
    });
    EXPECT_EQ(child.wait(), 0);
    ASSERT_TRUE(r.poll_until_exit(child.pid()));
    const auto all = told(r, child.pid());
    ASSERT_EQ(all.size(), 1u);
    EXPECT_EQ(all[0].op, IoOp::accept);
    EXPECT_EQ(all[0].local, endpoint6(port));
    EXPECT_EQ(all[0].peer, endpoint6(port6_of(client.get())));
}

TEST_F(BpfIpv6, DatagramsAreToldWithThePeerThatTheCallNames) {
    const OwnCgroup cgroup("ipv6-datagram");
    Recorder r({cgroup.path()});
    const Fd server = bound(SOCK_DGRAM);
    const std::uint16_t port = port6_of(server.get());
    WatchedChild child(cgroup, [&] {
        const Fd fd(socket(AF_INET6, SOCK_DGRAM, 0));
        const sockaddr_in6 to = loopback6(port);
        return sendto(fd.get(), "ping!", 5, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 5 ? 0 : 1;
    });
    EXPECT_EQ(child.wait(), 0);
    ASSERT_TRUE(r.poll_until_exit(child.pid()));
    const auto all = told(r, child.pid());
    ASSERT_EQ(all.size(), 1u);
    EXPECT_EQ(all[0].peer, endpoint6(port));
}

TEST_F(BpfIpv6, SpeaksIpv4ByItsOwnName) {
    const OwnCgroup cgroup("ipv6-mapped");
    Recorder r({cgroup.path()});
    const Fd listener = listening();
    const std::uint16_t port = port_of(listener.get());
    std::thread peer([&] { swallow(Fd(accept(listener.get(), nullptr, nullptr)).get()); });
    WatchedChild child(cgroup, [&] {
        const Fd fd(socket(AF_INET6, SOCK_STREAM, 0));
        sockaddr_in6 to = loopback6(port);
        constexpr std::array<std::uint8_t, 16> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1};
        std::copy(kMapped.begin(), kMapped.end(), to.sin6_addr.s6_addr);
        if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) return 1;
        return send_all(fd.get(), "x") ? 0 : 2;
    });
    EXPECT_EQ(child.wait(), 0);
    peer.join();
    ASSERT_TRUE(r.poll_until_exit(child.pid()));
    for (const IoDone& io : told(r, child.pid())) EXPECT_EQ(io.peer, ipv4_endpoint(127, 0, 0, 1, port));
}

}  // namespace
}  // namespace autotune::test
