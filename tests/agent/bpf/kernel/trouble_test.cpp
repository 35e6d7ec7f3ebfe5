// Connections in trouble: resets of either side, and what TCP sends again.
#include <gtest/gtest.h>
#include <poll.h>

#include <thread>

#include "tests/agent/bpf/kernel/loopback.hpp"
#include "tests/agent/bpf/kernel/recorder.hpp"
#include "tests/agent/bpf/kernel/watched_child.hpp"

namespace autotune::test {
namespace {

class BpfTrouble : public ::testing::Test {
protected:
    void SetUp() override { AUTOTUNE_NEEDS_BPF(); }

    // From the child's connections to that port.
    static std::vector<SocketTroubleKind> told(const Recorder& r, pid_t pid, std::uint16_t port) {
        std::vector<SocketTroubleKind> all;
        for (const SocketTrouble& trouble : r.of<SocketTrouble>(pid)) {
            EXPECT_EQ(trouble.peer, ipv4_endpoint(127, 0, 0, 1, port));
            EXPECT_NE(trouble.local.port, 0);
            all.push_back(trouble.kind);
        }
        return all;
    }
    using Kinds = std::vector<SocketTroubleKind>;
};

TEST_F(BpfTrouble, IsToldOfAResetThatThePeerSent) {
    const OwnCgroup cgroup("reset");
    Recorder r({cgroup.path()});
    const Fd listener = listening();
    const std::uint16_t port = port_of(listener.get());
    std::thread peer([&] {
        const Fd c(accept(listener.get(), nullptr, nullptr));
        char byte = 0;
        read(c.get(), &byte, 1);  // its connect has returned
        const linger at_once{.l_onoff = 1, .l_linger = 0};
        setsockopt(c.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    });
    WatchedChild child(cgroup, [&] {
        const Fd fd(socket(AF_INET, SOCK_STREAM, 0));
        if (connect_to(fd.get(), port) != 0 || !send_all(fd.get(), "!")) return 1;
        char byte = 0;
        return read(fd.get(), &byte, 1) == -1 ? 0 : 2;
    });
    EXPECT_EQ(child.wait(), 0);
    peer.join();
    ASSERT_TRUE(r.poll_until_exit(child.pid()));
    EXPECT_EQ(told(r, child.pid(), port), Kinds{SocketTroubleKind::reset_received});
}

TEST_F(BpfTrouble, IsToldOfAResetThatAnUnreadByteCaused) {
    const OwnCgroup cgroup("unread");
    Recorder r({cgroup.path()});
    const Fd listener = listening();
    const std::uint16_t port = port_of(listener.get());
    std::thread peer([&] {
        const Fd c(accept(listener.get(), nullptr, nullptr));
        send_all(c.get(), "unread");
        swallow(c.get());
    });
    WatchedChild child(cgroup, [&] {
        const Fd fd(socket(AF_INET, SOCK_STREAM, 0));
        if (connect_to(fd.get(), port) != 0) return 1;
        pollfd p{fd.get(), POLLIN, 0};
        return poll(&p, 1, 60'000) == 1 ? 0 : 2;
    });
    EXPECT_EQ(child.wait(), 0);
    peer.join();
    ASSERT_TRUE(r.poll_until([&] { return !r.of<SocketTrouble>(child.pid()).empty(); }));
    EXPECT_EQ(told(r, child.pid(), port), Kinds{SocketTroubleKind::reset_sent});
}

TEST_F(BpfTrouble, IsToldOfAConnectThatHadToAskAgain) {
    const OwnCgroup cgroup("again");
    Recorder r({cgroup.path()});
    const Fd listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_in a = loopback(0);
    ASSERT_EQ(bind(listener.get(), reinterpret_cast<const sockaddr*>(&a), sizeof a), 0);
    ASSERT_EQ(listen(listener.get(), 0), 0);
    const std::uint16_t port = port_of(listener.get());
    const Fd only(socket(AF_INET, SOCK_STREAM, 0));  // as many as may wait for accept
    ASSERT_EQ(connect_to(only.get(), port), 0);
    WatchedChild child(cgroup, [&] {
        const Fd fd(socket(AF_INET, SOCK_STREAM, 0));
        return connect_to(fd.get(), port);
    });
    ASSERT_TRUE(r.poll_until([&] { return !r.of<SocketTrouble>(child.pid()).empty(); }));
    EXPECT_EQ(told(r, child.pid(), port).front(), SocketTroubleKind::retransmit);
}

}  // namespace
}  // namespace autotune::test
