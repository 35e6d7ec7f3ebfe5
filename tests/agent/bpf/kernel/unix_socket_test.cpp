// Unix sockets of every kind are called by the name that one of their ends was bound to.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cstddef>
#include <cstring>

#include "os/fd.hpp"
#include "tests/agent/bpf/kernel/recorder.hpp"
#include "tests/agent/bpf/kernel/watched_child.hpp"

namespace autotune::test {
namespace {

struct Address {
    explicit Address(const std::string& name) {
        at.sun_family = AF_UNIX;
        std::memcpy(at.sun_path, name.data(), name.size());
        if (name.front() == '@') at.sun_path[0] = 0;
        size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size() + (name.front() != '@'));
    }
    [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&at); }
    sockaddr_un at{};
    socklen_t size = 0;
};

class BpfUnixSockets : public ::testing::Test {
protected:
    void SetUp() override { AUTOTUNE_NEEDS_BPF(); }

    static std::vector<std::string> told(const Recorder& r, pid_t pid, IoOp op) {
        std::vector<std::string> all;
        for (const IoDone& io : r.of<IoDone>(pid))
            if (io.op == op && io.peer.family == AddressFamily::unix_path)
                all.push_back(std::to_string(io.result) + " " + r.text(io.path));
        return all;
    }

    // A connection of that type to that name; both ends are the child's.
    static void expect_both_ends_named(int type, const std::string& name) {
        const OwnCgroup cgroup("unix" + std::to_string(type));
        Recorder r({cgroup.path()});
        WatchedChild child(cgroup, [&] {
            const Address a(name);
            const Fd listener(socket(AF_UNIX, type, 0));
            if (bind(listener.get(), a.get(), a.size) != 0 || listen(listener.get(), 1) != 0) return 1;
            const Fd client(socket(AF_UNIX, type, 0));
            if (connect(client.get(), a.get(), a.size) != 0) return 2;
            const Fd server(accept(listener.get(), nullptr, nullptr));
            std::array<char, 8> buffer{};
            if (send(client.get(), "abc", 3, 0) != 3) return 3;
            return recv(server.get(), buffer.data(), buffer.size(), 0) == 3 ? 0 : 4;
        });
        EXPECT_EQ(child.wait(), 0);
        unlink(name.c_str());
        ASSERT_TRUE(r.poll_until_exit(child.pid()));
        using Told = std::vector<std::string>;
        EXPECT_EQ(told(r, child.pid(), IoOp::connect), Told{"0 " + name});
        EXPECT_EQ(told(r, child.pid(), IoOp::accept).size(), 1u);
        EXPECT_EQ(told(r, child.pid(), IoOp::send), Told{"3 " + name});
        EXPECT_EQ(told(r, child.pid(), IoOp::receive), Told{"3 " + name});
    }
};

TEST_F(BpfUnixSockets, OfStreamsAndPacketsCarryTheListenersName) {
    expect_both_ends_named(SOCK_STREAM, "/tmp/autotune-test-" + std::to_string(getpid()) + ".stream");
    expect_both_ends_named(SOCK_SEQPACKET, "/tmp/autotune-test-" + std::to_string(getpid()) + ".packets");
}

TEST_F(BpfUnixSockets, OfTheAbstractNamespaceBeginWithAnAt) {
    expect_both_ends_named(SOCK_STREAM, "@autotune-test-" + std::to_string(getpid()));
}

TEST_F(BpfUnixSockets, OfDatagramsCarryTheNameThatEachCallGives) {
    const OwnCgroup cgroup("datagrams");
    Recorder r({cgroup.path()});
    const std::string name = "@autotune-test-" + std::to_string(getpid()) + ".datagrams";
    WatchedChild child(cgroup, [&] {
        const Address a(name);
        const Fd server(socket(AF_UNIX, SOCK_DGRAM, 0));
        if (bind(server.get(), a.get(), a.size) != 0) return 1;
        const Fd client(socket(AF_UNIX, SOCK_DGRAM, 0));
        if (sendto(client.get(), "abcd", 4, 0, a.get(), a.size) != 4) return 2;
        std::array<char, 8> buffer{};
        return recv(server.get(), buffer.data(), buffer.size(), 0) == 4 ? 0 : 3;
    });
    EXPECT_EQ(child.wait(), 0);
    ASSERT_TRUE(r.poll_until_exit(child.pid()));
    EXPECT_EQ(told(r, child.pid(), IoOp::send), std::vector<std::string>{"4 " + name});
    EXPECT_EQ(told(r, child.pid(), IoOp::receive), std::vector<std::string>{"4 " + name});
}

TEST_F(BpfUnixSockets, OfAPairHaveNoName) {
    const OwnCgroup cgroup("pair");
    Recorder r({cgroup.path()});
    WatchedChild child(cgroup, [&] {
        std::array<int, 2> ends{};
        if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) != 0) return 1;
        std::array<char, 8> buffer{};
        if (write(ends[0], "ab", 2) != 2) return 2;
        return read(ends[1], buffer.data(), buffer.size()) == 2 ? 0 : 3;
    });
    EXPECT_EQ(child.wait(), 0);
    ASSERT_TRUE(r.poll_until_exit(child.pid()));
    EXPECT_EQ(told(r, child.pid(), IoOp::send), std::vector<std::string>{"2 "});
    EXPECT_EQ(told(r, child.pid(), IoOp::receive), std::vector<std::string>{"2 "});
}

}  // namespace
}  // namespace autotune::test
