#include "os/listeners.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/fd.hpp"

namespace autotune {
namespace {

// As /proc/net/tcp has it: a listener on 127.0.0.1:8080, one on all addresses at 81, a connection from 127.0.0.1:9000.
constexpr std::string_view kTable =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
    "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0 100 0 0 10 0\n"
    "   1: 00000000:0051 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4712 1 0 100 0 0 10 0\n"
    "   2: 0100007F:2328 0100007F:1F90 01 00000000:00000000 00:00000000 00000000     0        0 4713 1 0 100 0 0 10 0\n"
    "damaged line\n";
constexpr std::string_view kTable6 =
    "  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when "
    "retrnsmt   uid  timeout inode\n"
    "   0: 00000000000000000000000000000000:0052 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 "
    "00000000     0        0 4714 1 0 100 0 0 10 0\n";

TEST(Listeners, AreFoundByAddressAndPort) {
    EXPECT_EQ(listening_inode(kTable, ipv4_endpoint(127, 0, 0, 1, 8080)), 4711u);
    EXPECT_EQ(listening_inode(kTable, ipv4_endpoint(127, 0, 0, 1, 81)), 4712u);
    EXPECT_EQ(listening_inode(kTable, ipv4_endpoint(10, 0, 0, 1, 8080)), std::nullopt);
    EXPECT_EQ(listening_inode(kTable, ipv4_endpoint(127, 0, 0, 1, 9000)), std::nullopt);
    EXPECT_EQ(listening_inode(kTable6, ipv4_endpoint(127, 0, 0, 1, 82)), 4714u);  // "::" takes IPv4 too
    EXPECT_EQ(listening_inode("", ipv4_endpoint(127, 0, 0, 1, 82)), std::nullopt);
}

TEST(Listeners, ThisProcessIsFoundByItsSocket) {
    const Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ASSERT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    ASSERT_EQ(::listen(socket.get(), 1), 0);
    ASSERT_EQ(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    const auto found = who_listens(ipv4_endpoint(127, 0, 0, 1, ntohs(address.sin_port)), ::getpid());
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_EQ(*found, ::getpid());
}

}  // namespace
}  // namespace autotune
