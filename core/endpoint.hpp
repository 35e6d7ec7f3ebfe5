// One end of a socket: family, address, port. Trivially copyable.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <string>

namespace autotune {

enum class AddressFamily : std::uint8_t { none, ipv4, ipv6, unix_path };

struct Endpoint {
    std::array<std::uint8_t, 16> address{};  // IPv4 in the first four bytes; network order
    std::uint16_t port = 0;                  // host order
    AddressFamily family = AddressFamily::none;

    [[nodiscard]] bool known() const { return family != AddressFamily::none; }
    [[nodiscard]] bool is_loopback() const;
    auto operator<=>(const Endpoint&) const = default;
};

// "10.0.0.7:443", "[::1]:80", "unix", "?"
[[nodiscard]] std::string to_string(const Endpoint& e);
[[nodiscard]] Endpoint ipv4_endpoint(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d,
                                     std::uint16_t port);

}  // namespace autotune

template <>
struct std::hash<autotune::Endpoint> {
    std::size_t operator()(const autotune::Endpoint& e) const noexcept {
        std::size_t h = e.port * 131 + static_cast<std::size_t>(e.family);
        for (const auto byte : e.address) h = h * 131 + byte;
        return h;
    }
};
