// Sockets that are not connected: the peer's address is in each call.
#include <gtest/gtest.h>

#include <cerrno>

#include "tests/agent/bpf/kernel/loopback.hpp"
#include "tests/agent/bpf/kernel/recorder.hpp"
#include "tests/agent/bpf/kernel/watched_child.hpp"

namespace autotune::test {
namespace {

TEST(BpfDatagrams, AreToldWithThePeerThatEachCallNames) {
    AUTOTUNE_NEEDS_BPF();
    const OwnCgroup cgroup("datagrams");
    Recorder r({cgroup.path()});
    const Fd server(socket(AF_INET, SOCK_DGRAM, 0));
    sockaddr_in own = loopback(0);
    ASSERT_EQ(bind(server.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own), 0);
    const std::uint16_t port = port_of(server.get());
    WatchedChild child(cgroup, [&] {
        const Fd fd(socket(AF_INET, SOCK_DGRAM, 0));
        const sockaddr_in to = loopback(port);
        if (sendto(fd.get(), "ping!", 5, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 5) return 1;
        char buffer[16];
        sockaddr_in from{};
        socklen_t size = sizeof from;
        if (recvfrom(fd.get(), buffer, sizeof buffer, 0, reinterpret_cast<sockaddr*>(&from), &size) != 4)
            return 2;
        // What is left in the memory of a receive that failed says nothing about it.
        const timeval soon{.tv_sec = 0, .tv_usec = 10'000};
        setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof soon);
        return recvfrom(fd.get(), buffer, sizeof buffer, 0, reinterpret_cast<sockaddr*>(&from), &size) < 0
                   ? 0
                   : 3;
    });
    char buffer[16];
    sockaddr_in from{};
    socklen_t size = sizeof from;
    ASSERT_EQ(recvfrom(server.get(), buffer, sizeof buffer, 0, reinterpret_cast<sockaddr*>(&from), &size), 5);
    ASSERT_EQ(sendto(server.get(), "pong", 4, 0, reinterpret_cast<const sockaddr*>(&from), size), 4);
    EXPECT_EQ(child.wait(), 0);
    ASSERT_TRUE(r.poll_until_exit(child.pid()));
    std::vector<IoDone> told;
    for (const IoDone& io : r.of<IoDone>(child.pid()))
        if (io.op == IoOp::send || io.op == IoOp::receive) told.push_back(io);
    ASSERT_EQ(told.size(), 3u);
    EXPECT_EQ(told[0].result, 5);
    EXPECT_EQ(told[0].peer, ipv4_endpoint(127, 0, 0, 1, port));
    EXPECT_EQ(told[1].result, 4);
    EXPECT_EQ(told[1].peer, ipv4_endpoint(127, 0, 0, 1, port));
    EXPECT_EQ(told[2].result, -EAGAIN);
    EXPECT_FALSE(told[2].peer.known());
}

}  // namespace
}  // namespace autotune::test
