// Names from what a name server answers, over UDP and TCP.
#include <gtest/gtest.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>

#include <array>

#include "tests/agent/bpf/kernel/loopback.hpp"
#include "tests/agent/bpf/kernel/recorder.hpp"
#include "tests/agent/bpf/kernel/watched_child.hpp"
#include "tests/agent/dns/dns_message.hpp"

namespace autotune::test {
namespace {

// A network of its own, where port 53 is nobody's yet.
bool leave_network() {
    if (unshare(CLONE_NEWNET) != 0) return false;
    const Fd fd(socket(AF_INET, SOCK_DGRAM, 0));
    ifreq up{};
    up.ifr_name[0] = 'l', up.ifr_name[1] = 'o';
    up.ifr_flags = IFF_UP;
    return ioctl(fd.get(), SIOCSIFFLAGS, &up) == 0;
}

int send_text(int fd, const std::string& text, const sockaddr_in* to) {
    return sendto(fd, text.data(), text.size(), 0, reinterpret_cast<const sockaddr*>(to), to ? sizeof *to : 0) ==
                   static_cast<ssize_t>(text.size())
               ? 0
               : 1;
}

TEST(BpfNamesResolved, ComeFromAnswersOverUdpAndTcp) {
    AUTOTUNE_NEEDS_BPF();
    const OwnCgroup cgroup("dns");
    Recorder r({cgroup.path()});
    const std::string four = {10, 0, 0, 7};
    const std::string first = DnsMessage("udp.example.com").record_of(12, 1, four).text();
    const std::string second = DnsMessage("tcp.example.com").record_of(12, 1, four).text();
    WatchedChild child(cgroup, [&] {
        if (!leave_network()) return 1;
        const sockaddr_in name_server = loopback(53);
        const auto* address = reinterpret_cast<const sockaddr*>(&name_server);
        std::array<char, 512> buffer{};

        const Fd server(socket(AF_INET, SOCK_DGRAM, 0)), client(socket(AF_INET, SOCK_DGRAM, 0));
        if (bind(server.get(), address, sizeof name_server) != 0) return 2;
        if (connect(client.get(), address, sizeof name_server) != 0) return 3;
        sockaddr_in from{};
        socklen_t size = sizeof from;
        getsockname(client.get(), reinterpret_cast<sockaddr*>(&from), &size);
        if (send_text(server.get(), first, &from) != 0) return 4;
        if (recv(client.get(), buffer.data(), buffer.size(), 0) != static_cast<ssize_t>(first.size())) return 5;

        const Fd listener(socket(AF_INET, SOCK_STREAM, 0)), asks(socket(AF_INET, SOCK_STREAM, 0));
        if (bind(listener.get(), address, sizeof name_server) != 0 || listen(listener.get(), 1) != 0) return 6;
        if (connect_to(asks.get(), 53) != 0) return 7;
        const Fd answers(accept(listener.get(), nullptr, nullptr));
        if (send_text(answers.get(), std::string{'\0', static_cast<char>(second.size())} + second, nullptr) != 0)
            return 8;
        return read(asks.get(), buffer.data(), buffer.size()) > 0 ? 0 : 9;
    });
    EXPECT_EQ(child.wait(), 0);
    ASSERT_TRUE(r.poll_until_exit(child.pid()));
    std::vector<std::string> told;
    for (const NameResolved& known : r.of<NameResolved>(child.pid()))
        told.push_back(r.text(known.name) + " " + to_string(known.address));
    EXPECT_EQ(told, (std::vector<std::string>{"udp.example.com 10.0.0.7:0", "tcp.example.com 10.0.0.7:0"}));
}

}  // namespace
}  // namespace autotune::test
