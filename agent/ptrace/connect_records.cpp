// Reporter, the part about connect(2), also the kind that answers EINPROGRESS.
//
// Its end is told when the program learns of it: by getsockopt(SO_ERROR), a transfer, or a close. We could ask
// ourselves, but reading SO_ERROR clears it.
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include "agent/ptrace/reporter.hpp"

namespace autotune::ptrace {
namespace {

constexpr std::size_t kUnixPath = offsetof(sockaddr_un, sun_path);

}  // namespace

at_endpoint Reporter::read_sockaddr(const Thread& thread, std::uint64_t address) {
    at_endpoint to{};
    if (address == 0) return to;
    struct {
        std::uint16_t family;
        std::uint16_t port;
        std::uint32_t address;  // IPv6: the flow label
        std::uint8_t address6[16];
    } raw{};
    // As much as is there: a sockaddr_in may be the last thing on its page.
    const auto bytes = std::as_writable_bytes(std::span(&raw, 1));
    std::size_t got = read_memory(thread.process->pid, address, bytes);
    if (got < 8) got = read_memory(thread.process->pid, address, bytes.first(8));
    if (got < 8 || (raw.family == AF_INET6 && got < sizeof raw)) {
        ++read_failures_;
        return to;
    }
    if (raw.family == AF_UNIX) to.family = AF_UNIX;
    if (raw.family != AF_INET && raw.family != AF_INET6) return to;
    to.family = raw.family;
    to.port = __builtin_bswap16(raw.port);
    if (raw.family == AF_INET)
        std::memcpy(to.address, &raw.address, sizeof raw.address);
    else
        std::memcpy(to.address, raw.address6, sizeof raw.address6);
    return to;
}

Reporter::Address Reporter::read_address(const Thread& thread, Bytes bytes) {
    Address address{.endpoint = read_sockaddr(thread, bytes.at)};
    if (address.endpoint.family != AF_UNIX || bytes.size <= kUnixPath) return address;
    std::string path(std::min<std::uint64_t>(bytes.size, sizeof(sockaddr_un)) - kUnixPath, '\0');
    path.resize(read_memory(thread.process->pid, bytes.at + kUnixPath,
                            std::as_writable_bytes(std::span(path.data(), path.size()))));
    address.unix_name = unix_name(path);
    return address;
}

void Reporter::on_connect(Thread& thread, std::int64_t result, Timestamp now) {
    const PendingCall& call = thread.call;
    const Address asked = read_address(thread, {.at = call.arguments[1], .size = call.arguments[2] & 0xffffffff});
    at_io_record record = io_record(thread, result, now);
    const int fd = call.fd;
    Descriptor& socket = thread.process->descriptors->look_up(thread.process->pid, fd);
    if (asked.endpoint.family == AF_UNIX) {
        record.local.family = record.peer.family = AF_UNIX;
        return tell_io(record, asked.unix_name);
    }
    socket.is_connected = false;  // to another one, perhaps
    read_endpoints(thread.process->pidfd, fd, socket);
    record.local = socket.local;
    record.peer = asked.endpoint.family != 0 ? asked.endpoint : socket.peer;  // a refused socket has forgotten it
    if (result != -EINPROGRESS) return queue_.push(record);
    record.header.at_ns = static_cast<std::uint64_t>(to_ns(call.entered));
    record.flags = AT_IO_COMPLETED_LATER;
    socket.connecting = record;
}

void Reporter::on_socket_error(Thread& thread, std::int64_t result, Timestamp now) {
    Descriptor* socket = thread.process->descriptors->find(static_cast<int>(thread.call.arguments[0]));
    if (result != 0 || !socket || !socket->connecting || thread.call.arguments[1] != SOL_SOCKET) return;
    const auto error = read_user<std::int32_t>(thread, thread.call.arguments[3]);
    if (!error) return;
    if (*error == 0) read_endpoints(thread.process->pidfd, socket->connecting->fd, *socket);
    if (*error == 0 && !socket->is_connected) return;  // asked too early: still under way
    tell_connected(*socket, -*error, now);
    thread.wait.reset();  // it was the connect's
}

void Reporter::tell_connected(Descriptor& descriptor, std::int64_t result, Timestamp now) {
    at_io_record record = *std::exchange(descriptor.connecting, std::nullopt);
    const auto now_ns = static_cast<__u64>(to_ns(now));
    record.latency_ns = now_ns - std::min(now_ns, record.header.at_ns);
    record.header.at_ns = now_ns;
    record.result = result;
    queue_.push(record);
}

}  // namespace autotune::ptrace
