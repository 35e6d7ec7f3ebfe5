// sendmmsg and recvmmsg: several messages a call.
#include <gtest/gtest.h>
#include <sys/un.h>

#include <array>

#include "tests/agent/bpf/kernel/loopback.hpp"
#include "tests/agent/bpf/kernel/recorder.hpp"
#include "tests/agent/bpf/kernel/watched_child.hpp"

namespace autotune::test {
namespace {

// Three messages of 10, 20 and 30 bytes.
struct Messages {
    std::array<char, 64> data{};
    std::array<iovec, 3> pieces{{{data.data(), 10}, {data.data(), 20}, {data.data(), 30}}};
    std::array<mmsghdr, 3> all{};
    std::array<sockaddr_in, 3> addresses{};

    Messages() {
        for (std::size_t i = 0; i < all.size(); ++i) {
            all[i].msg_hdr.msg_iov = &pieces[i];
            all[i].msg_hdr.msg_iovlen = 1;
        }
    }
    void name(std::size_t i, const sockaddr_in& address) {
        addresses[i] = address;
        all[i].msg_hdr.msg_name = &addresses[i];
        all[i].msg_hdr.msg_namelen = sizeof addresses[i];
    }
};

Fd bound() {
    Fd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const sockaddr_in own = loopback(0);
    if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own) != 0) fd.close();
    return fd;
}

class BpfMessages : public ::testing::Test {
protected:
    void SetUp() override { AUTOTUNE_NEEDS_BPF(); }
    static std::vector<IoDone> told(const Recorder& r, pid_t pid, IoOp op) {
        std::vector<IoDone> all;
        for (const IoDone& io : r.of<IoDone>(pid))
            if (io.op == op) all.push_back(io);
        return all;
    }
};

TEST_F(BpfMessages, ToSeveralPeersAreToldOneByOneAndTheTimeOnce) {
    const OwnCgroup cgroup("messages");
    Recorder r({cgroup.path()});
    const Fd first = bound(), second = bound();
    const std::array ports{port_of(first.get()), port_of(second.get()), port_of(first.get())};
    WatchedChild child(cgroup, [&] {
        const Fd fd(socket(AF_INET, SOCK_DGRAM, 0));
        Messages m;
        for (std::size_t i = 0; i < 3; ++i) m.name(i, loopback(ports[i]));
        return sendmmsg(fd.get(), m.all.data(), 3, 0) == 3 ? 0 : 1;
    });
    EXPECT_EQ(child.wait(), 0);
    ASSERT_TRUE(r.poll_until_exit(child.pid()));
    const auto sent = told(r, child.pid(), IoOp::send);
    ASSERT_EQ(sent.size(), 3u);
    for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(sent[i].result, static_cast<std::int64_t>(10 * (i + 1)));
        EXPECT_EQ(sent[i].peer, ipv4_endpoint(127, 0, 0, 1, ports[i]));
        EXPECT_EQ(sent[i].latency.count() > 0, i == 0);
    }
}

TEST_F(BpfMessages, FromSeveralPeersAreToldOneByOneEachWithItsOwn) {
    const OwnCgroup cgroup("received");
    Recorder r({cgroup.path()});
    const Fd first = bound(), second = bound(), to = bound();
    const sockaddr_in address = loopback(port_of(to.get()));
    for (const int from : {first.get(), second.get()})
        ASSERT_EQ(sendto(from, "hello", 5, 0, reinterpret_cast<const sockaddr*>(&address), sizeof address), 5);
    WatchedChild child(cgroup, [&] {
        Messages m;
        for (std::size_t i = 0; i < 3; ++i) m.name(i, {});
        return recvmmsg(to.get(), m.all.data(), 3, MSG_DONTWAIT, nullptr) == 2 ? 0 : 1;
    });
    EXPECT_EQ(child.wait(), 0);
    ASSERT_TRUE(r.poll_until_exit(child.pid()));
    const auto received = told(r, child.pid(), IoOp::receive);
    ASSERT_EQ(received.size(), 2u);
    EXPECT_EQ(received[0].peer, ipv4_endpoint(127, 0, 0, 1, port_of(first.get())));
    EXPECT_EQ(received[1].peer, ipv4_endpoint(127, 0, 0, 1, port_of(second.get())));
    EXPECT_EQ(received[0].result + received[1].result, 10);
}

TEST_F(BpfMessages, OfAConnectedSocketAreOneTransfer) {
    const OwnCgroup cgroup("connected");
    Recorder r({cgroup.path()});
    const Fd server = bound();
    const std::uint16_t port = port_of(server.get());
    WatchedChild child(cgroup, [&] {
        const Fd fd(socket(AF_INET, SOCK_DGRAM, 0));
        Messages m;
        if (connect_to(fd.get(), port) != 0) return 1;
        return sendmmsg(fd.get(), m.all.data(), 3, 0) == 3 ? 0 : 2;
    });
    EXPECT_EQ(child.wait(), 0);
    ASSERT_TRUE(r.poll_until_exit(child.pid()));
    const auto sent = told(r, child.pid(), IoOp::send);
    ASSERT_EQ(sent.size(), 1u);
    EXPECT_EQ(sent[0].result, 60);
    EXPECT_EQ(sent[0].peer, ipv4_endpoint(127, 0, 0, 1, port));
}

TEST_F(BpfMessages, ThatFailAreToldWithTheirError) {
    const OwnCgroup cgroup("failed");
    Recorder r({cgroup.path()});
    WatchedChild child(cgroup, [&] {
        const Fd fd(socket(AF_INET, SOCK_DGRAM, 0));
        Messages m;  // to nobody
        return sendmmsg(fd.get(), m.all.data(), 3, 0) == -1 ? 0 : 1;
    });
    EXPECT_EQ(child.wait(), 0);
    ASSERT_TRUE(r.poll_until_exit(child.pid()));
    const auto sent = told(r, child.pid(), IoOp::send);
    ASSERT_EQ(sent.size(), 1u);
    EXPECT_EQ(sent[0].result, -EDESTADDRREQ);
}

}  // namespace
}  // namespace autotune::test
