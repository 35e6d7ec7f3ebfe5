#include "agent/capture/socket_snapshots.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace autotune {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Read {
    Status status;
    std::vector<std::string> flows, told;
    std::uint64_t snapshots = 0, skipped = 0;
};

Read read(const std::string& text, std::size_t cut = 0) {
    FlowNames names;
    SocketSnapshots sockets(names);
    std::vector<Flow> flows;
    Read out;
    out.status = sockets.feed(std::string_view(text).substr(0, cut), flows);
    if (out.status) out.status = sockets.feed(std::string_view(text).substr(cut), flows);
    if (out.status) out.status = sockets.finish(flows);
    std::vector<std::string> hosts;
    for (const Flow& f : flows)
        out.flows.push_back(std::to_string(f.start / 1'000'000'000) + "-" + std::to_string(f.end / 1'000'000'000) + " " +
                            std::to_string(f.source) + ">" + names.name(f.service));
    out.told = sockets.told();
    out.snapshots = sockets.snapshots(), out.skipped = sockets.skipped();
    return out;
}

const std::string kHead = "State     Recv-Q Send-Q Local Address:Port   Peer Address:Port Process\n";

TEST(SocketSnapshots, TellAConnectionFromTheFirstListToTheLastThatHasIt) {
    const std::string listen = "LISTEN 0 128 0.0.0.0:80 0.0.0.0:*\nLISTEN 0 5 [::1]:9090 [::]:*\n";
    const std::string in = "ESTAB 0 0 10.0.0.1:80 10.0.0.9:50000 users:((\"nginx\",pid=7,fd=3))\n";
    const std::string out = "ESTAB 0 0 10.0.0.1:40000 10.0.0.2:5432\n";
    const std::string text = "1.5\n" + kHead + listen + in + "2\n" + kHead + listen + in + out + "3.000000001\n" + kHead + listen + out +
                             "TIME-WAIT 0 0 10.0.0.1:80 10.0.0.9:50000\n4\n" + listen + in;
    for (const std::size_t cut : {std::size_t{0}, std::size_t{70}, text.size() - 3}) {
        const Read r = read(text, cut);
        ASSERT_TRUE(r.status);
        EXPECT_THAT(r.flows, ElementsAre("1-2 0>10.0.0.1:80/tcp", "2-3 1>10.0.0.2:5432/tcp", "4-4 0>10.0.0.1:80/tcp"));
        EXPECT_EQ(r.snapshots, 4u);
        EXPECT_THAT(r.told, IsEmpty());
    }
}

TEST(SocketSnapshots, OfOneMachineHaveAConnectionOnceThoughBothEndsAreListed) {
    const Read r = read("1\nLISTEN 0 5 127.0.0.1:80 0.0.0.0:*\nESTAB 0 0 127.0.0.1:80 127.0.0.1:50000\nESTAB 0 0 127.0.0.1:50000 127.0.0.1:80\n");
    EXPECT_THAT(r.flows, ElementsAre("1-1 0>127.0.0.1:80/tcp"));
}

TEST(SocketSnapshots, WithoutListenersGoByTheLowerPort) {
    const Read r = read("1\n0 0 [::ffff:10.0.0.1]:443 [::ffff:10.0.0.9]:50000\n0 0 10.0.0.1%eth0:40000 10.0.0.2:6379\n");
    EXPECT_THAT(r.flows, ElementsAre("1-1 0>10.0.0.2:6379/tcp", "1-1 2>10.0.0.1:443/tcp"));
}

TEST(SocketSnapshots, PassOverOtherKindsAndNameUdp) {
    const Read r = read("1\nNetid State Recv-Q Send-Q Local Address:Port Peer Address:Port\n"
                        "nl UNCONN 0 0 rtnl:kernel *\nu_str ESTAB 0 0 * 123 * 124\n"
                        "udp UNCONN 0 0 0.0.0.0:53 0.0.0.0:*\nudp ESTAB 0 0 [fe80::1%eth0]:40000 [fe80::2]:53\n");
    EXPECT_THAT(r.told, IsEmpty());
    EXPECT_THAT(r.flows, ElementsAre("1-1 0>fe80::2:53/udp"));
}

TEST(SocketSnapshots, OfUdpAloneAreKnownByWhatOnlyUdpHas) {
    const Read r = read("1\nState Recv-Q Send-Q Local Address:Port Peer Address:Port\nUNCONN 0 0 0.0.0.0:1194 0.0.0.0:*\n"
                        "ESTAB 0 0 10.0.0.1:1194 10.0.0.2:40000\n");
    EXPECT_THAT(r.flows, ElementsAre("1-1 0>10.0.0.1:1194/udp"));
}

TEST(SocketSnapshots, OfAnInterfaceAreTheSameAsOfItsAddress) {
    const Read r = read("1\nLISTEN 0 5 [::1]%lo:80 [::]:*\nESTAB 0 0 [::1]%lo:40000 [::1]:80\nESTAB 0 0 [::1]:80 [::1]:40000\n");
    EXPECT_THAT(r.flows, ElementsAre("1-1 0>::1:80/tcp"));
}

TEST(SocketSnapshots, WhoListensForTcpSaysNothingOfUdp) {
    const Read r = read("1\ntcp LISTEN 0 128 0.0.0.0:50000 0.0.0.0:*\nudp ESTAB 0 0 10.0.0.1:50000 10.0.0.2:8125\n");
    EXPECT_THAT(r.flows, ElementsAre("1-1 0>10.0.0.2:8125/udp"));
}

TEST(SocketSnapshots, PassOverWhatMoreOptionsSay) {
    const Read r = read("1\nRecv-Q Send-Q Local Address:Port Peer Address:PortProcess\n"
                        "0      0          127.0.0.1:50000    127.0.0.1:80 users:((\"sh\",pid=1,fd=4)) timer:(keepalive,34sec,0) ino:77 sk:26 <->\n"
                        "\t skmem:(r0,rb131072,t0,tb16384,f0,w0,o0,bl0,d0) bbr cwnd:10\n\t 2\n2\n");
    EXPECT_THAT(r.told, IsEmpty());
    EXPECT_EQ(r.snapshots, 2u);
    EXPECT_THAT(r.flows, ElementsAre("1-1 0>127.0.0.1:80/tcp"));
}

TEST(SocketSnapshots, SayWhatTheyCannotUseByLine) {
    const Read r = read("5\nESTAB 0 0 10.0.0.1:40001 10.0.0.2:80\nwhat is this\nESTAB x 0 a:1 b:2\nASLEEP 0 0 a:1 b:2\n4\nESTAB 0 0 10.0.0.1:40003 10.0.0.2:80\n6\n");
    ASSERT_TRUE(r.status);
    EXPECT_THAT(r.flows, ElementsAre("5-5 0>10.0.0.2:80/tcp")) << "what was listed at a time that was over is passed over";
    EXPECT_THAT(r.told, ElementsAre("3: no socket as ss lists them", "4: no socket as ss lists them",
                                    "5: no state of a socket: \"ASLEEP\"", HasSubstr("6: the clock ran backwards")));
    EXPECT_EQ(r.skipped, 4u);
    for (const std::string& text : {kHead + "1\n", std::string(), std::string("\n\n")}) {
        const Read refused = read(text);
        ASSERT_FALSE(refused.status);
        EXPECT_EQ(refused.status.error().code, Errc::invalid_argument);
    }
}

}  // namespace
}  // namespace autotune
