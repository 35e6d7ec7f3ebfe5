// Segment: what one captured packet says of the connection it belongs to.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace autotune {

// An address and a port. IPv4 as the last four bytes of ::ffff:a.b.c.d (RFC 4291, 2.5.5.2).
struct Endpoint {
    std::array<std::uint8_t, 16> address{};
    std::uint16_t port = 0;

    auto operator<=>(const Endpoint&) const = default;
    // "10.0.0.1", "2001:db8::1"
    [[nodiscard]] std::string host() const;
};

struct Segment {
    Endpoint source, target;
    bool tcp = false;                                      // else UDP
    bool syn = false, ack = false, fin = false, rst = false;  // of TCP
};

// What stands before the IP header, by libpcap's names (LINKTYPE_…).
enum class Link : std::uint8_t {
    ethernet,
    linux_sll,   // tcpdump -i any, before libpcap 1.10
    linux_sll2,  // and since
    raw,
    null,  // loopback of BSD and macOS
};

// None: no TCP or UDP over IP, a later fragment, or cut before its ports. VLAN tags and IPv6's extension headers are gone
// over. Any bytes may be given.
[[nodiscard]] std::optional<Segment> read_segment(Link link, std::span<const std::uint8_t> packet);

}  // namespace autotune
