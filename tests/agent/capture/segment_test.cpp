#include "agent/capture/segment.hpp"

#include <gtest/gtest.h>

#include "tests/agent/capture/packets.hpp"

namespace autotune {
namespace {

using namespace test;

std::string told(Link link, const Bytes& packet) {
    const auto s = read_segment(link, packet);
    if (!s) return "none";
    std::string out = s->source.host() + ":" + std::to_string(s->source.port) + ">" + s->target.host() + ":" +
                      std::to_string(s->target.port) + (s->tcp ? " tcp" : " udp");
    for (const auto& [set, name] : {std::pair(s->syn, " syn"), {s->ack, " ack"}, {s->fin, " fin"}, {s->rst, " rst"}})
        if (set) out += name;
    return out;
}

TEST(Segment, IsReadBehindEveryLink) {
    const Bytes packet = ipv4(1, 2, 6, tcp(50'000, 80, syn | ack));
    const std::string expected = "10.0.0.1:50000>10.0.0.2:80 tcp syn ack";
    EXPECT_EQ(told(Link::raw, packet), expected);
    EXPECT_EQ(told(Link::null, Bytes{2, 0, 0, 0} + packet), expected);
    EXPECT_EQ(told(Link::ethernet, ethernet(0x0800, packet)), expected);
    EXPECT_EQ(told(Link::ethernet, ethernet(0x88A8, Bytes{0, 1, 0x81, 0x00, 0, 2, 0x08, 0x00} + packet)), expected) << "two VLAN tags";
    EXPECT_EQ(told(Link::linux_sll, Bytes(14, 0) + Bytes{0x08, 0x00} + packet), expected);
    EXPECT_EQ(told(Link::linux_sll2, Bytes{0x08, 0x00} + Bytes(18, 0) + packet), expected);
    EXPECT_EQ(told(Link::ethernet, ethernet(0x86DD, packet)), "none") << "said to be IPv6";
    EXPECT_EQ(told(Link::ethernet, ethernet(0x0806, packet)), "none") << "ARP";
}

TEST(Segment, OfIpv6IsBehindItsExtensionHeaders) {
    EXPECT_EQ(told(Link::raw, ipv6(1, 2, 17, udp(5'353, 53))), "2001:db8::1:5353>2001:db8::2:53 udp");
    const Bytes options = Bytes{43, 1} + Bytes(14, 0), routing = Bytes{6, 0} + Bytes(6, 0);
    EXPECT_EQ(told(Link::raw, ipv6(1, 2, 0, options + routing + tcp(1, 2, rst))), "2001:db8::1:1>2001:db8::2:2 tcp rst");
    const Bytes first{17, 0, 0, 1, 0, 0, 0, 9}, later{17, 0, 0, 8, 0, 0, 0, 9};
    EXPECT_EQ(told(Link::raw, ipv6(1, 2, 44, first + udp(1, 2))), "2001:db8::1:1>2001:db8::2:2 udp");
    EXPECT_EQ(told(Link::raw, ipv6(1, 2, 44, later + udp(1, 2))), "none");
    Bytes without_end;
    for (int i = 0; i < 100; ++i) without_end = without_end + Bytes{60, 0} + Bytes(6, 0);
    EXPECT_EQ(told(Link::raw, ipv6(1, 2, 60, without_end)), "none");
}

TEST(Segment, OfLaterFragmentsAndOtherProtocolsIsNone) {
    EXPECT_EQ(told(Link::raw, ipv4(1, 2, 17, udp(1, 2), 0x2000)), "10.0.0.1:1>10.0.0.2:2 udp") << "the first of several";
    EXPECT_EQ(told(Link::raw, ipv4(1, 2, 17, udp(1, 2), 0x2001)), "none");
    EXPECT_EQ(told(Link::raw, ipv4(1, 2, 1, Bytes(20, 0))), "none") << "ICMP";
}

TEST(Segment, CutAnywhereIsNone) {
    for (const auto& [link, whole, needed] :
         {std::tuple(Link::ethernet, ethernet(0x8100, Bytes{0, 1, 0x08, 0x00} + ipv4(1, 2, 6, tcp(1, 2, syn))), std::size_t{52}),
          {Link::raw, ipv6(1, 2, 0, Bytes{17, 0} + Bytes(6, 0) + udp(1, 2)), std::size_t{52}}})
        for (std::size_t n = 0; n <= whole.size(); ++n) {
            const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(n));  // at its end: whoever reads on is seen by ASan
            EXPECT_EQ(told(link, cut) != "none", n >= needed) << n;
        }
}

}  // namespace
}  // namespace autotune
