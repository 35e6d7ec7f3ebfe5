#include "core/endpoint.hpp"

#include <arpa/inet.h>

namespace autotune {

bool Endpoint::is_loopback() const {
    if (family == AddressFamily::ipv4) return address[0] == 127;
    if (family != AddressFamily::ipv6) return false;
    for (int i = 0; i < 15; ++i)
        if (address[i] != 0) return false;
    return address[15] == 1;
}

std::string to_string(const Endpoint& e) {
    char text[INET6_ADDRSTRLEN] = "?";
    switch (e.family) {
        case AddressFamily::ipv4:
            inet_ntop(AF_INET, e.address.data(), text, sizeof text);
            return std::string(text) + ":" + std::to_string(e.port);
        case AddressFamily::ipv6:
            inet_ntop(AF_INET6, e.address.data(), text, sizeof text);
            return "[" + std::string(text) + "]:" + std::to_string(e.port);
        case AddressFamily::unix_path: return "unix";
        case AddressFamily::none: break;
    }
    return "?";
}

Endpoint ipv4_endpoint(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d,
                       std::uint16_t port) {
    Endpoint e;
    e.address = {a, b, c, d};
    e.port = port;
    e.family = AddressFamily::ipv4;
    return e;
}

}  // namespace autotune
