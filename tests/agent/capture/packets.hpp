// Packets and captures as bytes, for tests.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include "agent/capture/segment.hpp"

namespace autotune::test {

using Bytes = std::vector<std::uint8_t>;

inline void put16(Bytes& to, unsigned value) {
    to.push_back(static_cast<std::uint8_t>(value >> 8)), to.push_back(static_cast<std::uint8_t>(value));
}

inline Bytes operator+(Bytes a, const Bytes& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

enum Flags : std::uint8_t { none = 0, fin = 1, syn = 2, rst = 4, ack = 16 };

inline Bytes tcp(unsigned from, unsigned to, unsigned flags) {
    Bytes out;
    put16(out, from), put16(out, to);
    out.resize(12, 0);
    out.push_back(0x50), out.push_back(static_cast<std::uint8_t>(flags));
    out.resize(20, 0);
    return out;
}

inline Bytes udp(unsigned from, unsigned to) {
    Bytes out;
    put16(out, from), put16(out, to), put16(out, 8), put16(out, 0);
    return out;
}

// From 10.0.0.`from` to 10.0.0.`to`.
inline Bytes ipv4(unsigned from, unsigned to, unsigned protocol, const Bytes& payload, unsigned fragment = 0) {
    Bytes out{0x45, 0};
    put16(out, 20 + static_cast<unsigned>(payload.size())), put16(out, 7), put16(out, fragment);
    out.insert(out.end(), {64, static_cast<std::uint8_t>(protocol), 0, 0, 10, 0, 0, static_cast<std::uint8_t>(from), 10, 0, 0,
                           static_cast<std::uint8_t>(to)});
    return out + payload;
}

// From 2001:db8::`from` to 2001:db8::`to`; `extensions` stand before the payload.
inline Bytes ipv6(unsigned from, unsigned to, unsigned next, const Bytes& payload) {
    Bytes out{0x60, 0, 0, 0};
    put16(out, static_cast<unsigned>(payload.size()));
    out.push_back(static_cast<std::uint8_t>(next)), out.push_back(64);
    for (const unsigned end : {from, to}) {
        out.insert(out.end(), {0x20, 0x01, 0x0d, 0xb8});
        out.resize(out.size() + 11, 0);
        out.push_back(static_cast<std::uint8_t>(end));
    }
    return out + payload;
}

inline Bytes ethernet(unsigned type, const Bytes& payload) {
    Bytes out(12, 2);
    put16(out, type);
    return out + payload;
}

inline Endpoint at(unsigned host, std::uint16_t port) {
    Endpoint e;
    e.address = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 10, 0, 0, static_cast<std::uint8_t>(host)};
    e.port = port;
    return e;
}

}  // namespace autotune::test
