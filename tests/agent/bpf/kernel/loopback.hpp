// Small TCP helpers on 127.0.0.1, blocking.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "os/fd.hpp"

namespace autotune::test {

inline sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in a{};
    a.sin_family = AF_INET;
    a.sin_port = htons(port);
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return a;
}

inline std::uint16_t port_of(int fd) {
    sockaddr_in a{};
    socklen_t size = sizeof a;
    getsockname(fd, reinterpret_cast<sockaddr*>(&a), &size);
    return ntohs(a.sin_port);
}

inline Fd listening() {
    Fd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_in a = loopback(0);
    if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&a), sizeof a) != 0 || listen(fd.get(), 16) != 0)
        fd.close();
    return fd;
}

inline int connect_to(int fd, std::uint16_t port) {
    const sockaddr_in a = loopback(port);
    return connect(fd, reinterpret_cast<const sockaddr*>(&a), sizeof a);
}

inline bool send_all(int fd, const void* bytes, std::size_t size) {
    const char* at = static_cast<const char*>(bytes);
    while (size > 0) {
        const ssize_t n = send(fd, at, size, MSG_NOSIGNAL);
        if (n <= 0) return false;
        at += n;
        size -= static_cast<std::size_t>(n);
    }
    return true;
}
inline bool send_all(int fd, const std::string& text) { return send_all(fd, text.data(), text.size()); }

// Reads until what came ends with `last`; false when the other side closes before.
inline bool read_until(int fd, std::string_view last) {
    std::string all;
    char buffer[4096];
    while (!all.ends_with(last)) {
        const ssize_t n = read(fd, buffer, sizeof buffer);
        if (n <= 0) return false;
        all.append(buffer, static_cast<std::size_t>(n));
    }
    return true;
}

// Reads until the other side closes.
inline std::size_t swallow(int fd) {
    char buffer[65536];
    std::size_t all = 0;
    for (ssize_t n = 0; (n = read(fd, buffer, sizeof buffer)) > 0;) all += static_cast<std::size_t>(n);
    return all;
}

}  // namespace autotune::test
