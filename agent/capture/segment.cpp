#include "agent/capture/segment.hpp"

#include <arpa/inet.h>

#include <algorithm>

namespace autotune {

namespace {

using Bytes = std::span<const std::uint8_t>;

constexpr std::uint16_t kIpv4 = 0x0800, kIpv6 = 0x86DD, kVlan = 0x8100, kServiceVlan = 0x88A8;
constexpr std::uint8_t kTcp = 6, kUdp = 17;
constexpr std::size_t kMostTags = 4, kMostExtensions = 8;

// REQUIRES: the bytes are there.
std::uint16_t two(Bytes at, std::size_t offset) {
    return static_cast<std::uint16_t>(at[offset] << 8 | at[offset + 1]);
}

bool skip(Bytes& bytes, std::size_t count) {
    if (bytes.size() < count) return false;
    bytes = bytes.subspan(count);
    return true;
}

// Takes the link's header away; what follows by EtherType, 0 where the IP header tells itself.
std::optional<std::uint16_t> read_link(Link link, Bytes& bytes) {
    std::uint16_t type = 0;
    switch (link) {
        case Link::raw: return 0;
        case Link::null: return skip(bytes, 4) ? std::optional<std::uint16_t>(0) : std::nullopt;
        case Link::linux_sll2:
            if (bytes.size() < 20) return std::nullopt;
            type = two(bytes, 0);
            bytes = bytes.subspan(20);
            break;
        case Link::ethernet:
        case Link::linux_sll: {
            const std::size_t header = link == Link::ethernet ? 14 : 16;
            if (bytes.size() < header) return std::nullopt;
            type = two(bytes, header - 2);
            bytes = bytes.subspan(header);
            break;
        }
    }
    for (std::size_t tag = 0; tag < kMostTags && (type == kVlan || type == kServiceVlan); ++tag) {
        if (bytes.size() < 4) return std::nullopt;
        type = two(bytes, 2);
        bytes = bytes.subspan(4);
    }
    return type;
}

// Takes the IP header away; the protocol that follows.
std::optional<std::uint8_t> read_ipv4(Bytes& bytes, Segment& to) {
    if (bytes.size() < 20) return std::nullopt;
    const std::size_t header = (bytes[0] & 15u) * 4u;
    if (header < 20 || (two(bytes, 6) & 0x1FFF) != 0) return std::nullopt;  // later fragments have no ports
    const std::uint8_t protocol = bytes[9];
    const auto address = [&](Endpoint& of, std::size_t offset) {
        of.address[10] = of.address[11] = 0xFF;
        std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(offset), 4, of.address.begin() + 12);
    };
    address(to.source, 12), address(to.target, 16);
    return skip(bytes, header) ? std::optional(protocol) : std::nullopt;
}

std::optional<std::uint8_t> read_ipv6(Bytes& bytes, Segment& to) {
    constexpr std::uint8_t kHopByHop = 0, kRouting = 43, kFragment = 44, kDestination = 60;
    if (bytes.size() < 40) return std::nullopt;
    std::uint8_t next = bytes[6];
    std::copy_n(bytes.begin() + 8, 16, to.source.address.begin());
    std::copy_n(bytes.begin() + 24, 16, to.target.address.begin());
    bytes = bytes.subspan(40);
    for (std::size_t n = 0; n < kMostExtensions; ++n) {
        if (next != kHopByHop && next != kRouting && next != kFragment && next != kDestination) return next;
        if (bytes.size() < 8 || (next == kFragment && (two(bytes, 2) & 0xFFF8) != 0)) return std::nullopt;
        const std::size_t length = next == kFragment ? 8 : (bytes[1] + 1u) * 8u;
        next = bytes[0];
        if (!skip(bytes, length)) return std::nullopt;
    }
    return std::nullopt;
}

}  // namespace

std::string Endpoint::host() const {
    constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
    char text[INET6_ADDRSTRLEN] = "";
    if (std::equal(kMapped.begin(), kMapped.end(), address.begin()))
        inet_ntop(AF_INET, address.data() + 12, text, sizeof text);
    else
        inet_ntop(AF_INET6, address.data(), text, sizeof text);
    return text;
}

std::optional<Segment> read_segment(Link link, std::span<const std::uint8_t> packet) {
    const auto type = read_link(link, packet);
    if (!type || packet.empty()) return std::nullopt;
    const int version = packet[0] >> 4;
    if ((version != 4 && version != 6) || (*type != 0 && *type != (version == 4 ? kIpv4 : kIpv6))) return std::nullopt;
    Segment segment;
    const auto protocol = version == 4 ? read_ipv4(packet, segment) : read_ipv6(packet, segment);
    if (!protocol || (*protocol != kTcp && *protocol != kUdp) || packet.size() < 4) return std::nullopt;
    segment.source.port = two(packet, 0), segment.target.port = two(packet, 2);
    if (*protocol == kUdp) return segment;
    if (packet.size() < 14) return std::nullopt;
    const std::uint8_t flags = packet[13];
    segment.tcp = true;
    segment.fin = flags & 1, segment.syn = flags & 2, segment.rst = flags & 4, segment.ack = flags & 16;
    return segment;
}

}  // namespace autotune
