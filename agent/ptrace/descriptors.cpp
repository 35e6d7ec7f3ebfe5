#include "agent/ptrace/descriptors.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace autotune::ptrace {
namespace {

at_file type_of(pid_t pid, int fd) {
    const std::string path = "/proc/" + std::to_string(pid) + "/fd/" + std::to_string(fd);
    struct stat file {};
    if (stat(path.c_str(), &file) != 0) return AT_FILE_OTHER;
    switch (file.st_mode & S_IFMT) {
        case S_IFSOCK: return AT_FILE_SOCKET;
        case S_IFREG:
        case S_IFDIR:
        case S_IFBLK:
        case S_IFCHR: return AT_FILE_DATA;
        case S_IFIFO: return AT_FILE_PIPE;
        default: return AT_FILE_OTHER;
    }
}

// An end without a port is not known yet.
at_endpoint endpoint_of(const sockaddr_storage& from) {
    at_endpoint to{};
    if (from.ss_family == AF_INET) {
        sockaddr_in v4;
        std::memcpy(&v4, &from, sizeof v4);
        to.port = ntohs(v4.sin_port);
        std::memcpy(to.address, &v4.sin_addr, sizeof v4.sin_addr);
    } else if (from.ss_family == AF_INET6) {
        sockaddr_in6 v6;
        std::memcpy(&v6, &from, sizeof v6);
        to.port = ntohs(v6.sin6_port);
        std::memcpy(to.address, &v6.sin6_addr, sizeof v6.sin6_addr);
    }
    if (to.port != 0) to.family = from.ss_family;
    return to;
}

struct SocketName {
    sockaddr_storage address{};
    socklen_t size = sizeof(sockaddr_storage);
};

std::optional<SocketName> name_of(const Fd& socket, decltype(&getsockname) ask) {
    SocketName name;
    if (ask(socket.get(), reinterpret_cast<sockaddr*>(&name.address), &name.size) != 0) return std::nullopt;
    return name;
}

std::string unix_name_of(const SocketName& name) {
    constexpr std::size_t kPath = offsetof(sockaddr_un, sun_path);
    if (name.size <= kPath) return {};
    return unix_name({reinterpret_cast<const char*>(&name.address) + kPath, name.size - kPath});
}

}  // namespace

Descriptor& Descriptors::look_up(pid_t pid, int fd) {
    if (known_.size() >= kCapacity && !known_.contains(fd)) known_.clear();
    Descriptor& descriptor = known_[fd];
    if (!descriptor.type) descriptor.type = type_of(pid, fd);
    return descriptor;
}

Descriptor* Descriptors::find(int fd) {
    const auto it = known_.find(fd);
    return it == known_.end() ? nullptr : &it->second;
}

void Descriptors::duplicated(int from, int to) {
    const auto it = known_.find(from);
    if (it == known_.end()) {
        known_.erase(to);
        return;
    }
    Descriptor copy = it->second;
    copy.control.reset();
    copy.http.reset();
    copy.beginning.clear();
    copy.connecting.reset();
    known_[to] = std::move(copy);
}

void Descriptors::closed(int first, int last) {
    if (first == last) {
        known_.erase(first);
        return;
    }
    std::erase_if(known_, [first, last](const auto& entry) {
        return entry.first >= first && (last < 0 || entry.first <= last);
    });
}

Descriptors Descriptors::for_child() const {
    Descriptors child = *this;
    for (auto& [fd, descriptor] : child.known_) {
        descriptor.control.reset();
        descriptor.http.reset();
        descriptor.beginning.clear();
        descriptor.connecting.reset();
    }
    return child;
}

void read_endpoints(const Fd& pidfd, int fd, Descriptor& to) {
    if (to.is_connected) return;
    const Fd copy(static_cast<int>(syscall(SYS_pidfd_getfd, pidfd.get(), fd, 0)));
    if (!copy) return;
    const auto local = name_of(copy, getsockname);
    const auto peer = name_of(copy, getpeername);
    if (!local) return;
    to.is_connected = peer.has_value();
    int type = 0;
    socklen_t size = sizeof type;
    to.is_datagram = getsockopt(copy.get(), SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_DGRAM;
    if (local->address.ss_family == AF_UNIX) {
        to.local.family = to.peer.family = AF_UNIX;
        // An accepted one shares its listener's name, a client has none and talks to one that has; a datagram socket
        // may have a name only so that it can be answered.
        const std::string here = unix_name_of(*local);
        const std::string there = peer ? unix_name_of(*peer) : std::string();
        to.unix_name = to.is_datagram ? (there.empty() ? here : there) : (here.empty() ? there : here);
        return;
    }
    to.local = endpoint_of(local->address);
    to.peer = peer ? endpoint_of(peer->address) : at_endpoint{};
    to.is_connected = to.peer.family != 0;
}

std::string unix_name(std::string_view bytes) {
    if (bytes.empty()) return {};
    if (bytes.front() != '\0') return std::string(bytes.substr(0, bytes.find('\0')));
    std::string name("@");  // the abstract namespace
    return name.append(bytes.substr(1, bytes.find('\0', 1) - 1));
}

}  // namespace autotune::ptrace
