// Reporter, the part about bytes that went somewhere: what bpf/parts/{io,moves,messages}.bpf.h do.
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "agent/ptrace/proc_files.hpp"
#include "agent/ptrace/reporter.hpp"

namespace autotune::ptrace {
namespace {

constexpr std::size_t kMostMessages = 1024;  // UIO_MAXIOV
constexpr std::uint16_t kDnsPort = 53;
constexpr std::int64_t kDnsHeader = 12;

}  // namespace

void Reporter::tell_transfer(Thread& thread, std::int64_t result, Timestamp now) {
    const PendingCall& call = thread.call;
    at_io_record record = io_record(thread, result, now);
    Descriptor& descriptor = thread.process->descriptors->look_up(thread.process->pid, call.fd);
    if (call.file != AT_FILE_SOCKET) {
        const bool takes_name = call.call != AT_CALL_RESIZE;  // its records with a path are truncate's
        if (!takes_name || std::exchange(descriptor.has_name, true)) return queue_.push(record);
        // The name is told with the first use: later, the descriptor may be something else.
        descriptor.name = link_of(thread.process->pid, "fd/" + std::to_string(call.fd));
        return tell_io(record, descriptor.name);
    }
    if (descriptor.connecting && result != -EAGAIN) tell_connected(descriptor, std::min<std::int64_t>(result, 0), now);
    read_endpoints(thread.process->pidfd, call.fd, descriptor);
    const Address address = read_address(thread, address_of(thread, result));
    record.flags |= tell_http(thread, descriptor, record);
    tell_on_socket(record, descriptor, address);
    const at_endpoint& peer = descriptor.peer.family != 0 ? descriptor.peer : address.endpoint;
    if (at_receives(call.call) && peer.port == kDnsPort) tell_names(thread, descriptor, result, now);
}

// What a name server answered; the decoder reads it.
void Reporter::tell_names(const Thread& thread, const Descriptor& socket, std::int64_t received, Timestamp now) {
    if (received < kDnsHeader) return;
    Bytes bytes = first_bytes(thread);
    bytes.size = std::min(bytes.size, static_cast<std::uint64_t>(received));
    const std::string answer = read_bytes(thread, bytes, AT_NAMES_SIZE);
    at_names_record record{};
    record.header = header_of(*thread.process, thread.tid, AT_NAMES, sizeof record, now);
    record.size = static_cast<std::uint32_t>(answer.size());
    record.is_stream = socket.is_datagram ? 0 : 1;
    std::memcpy(record.answer, answer.data(), answer.size());
    queue_.push(record);
}

// The address that came with the call; none with a receive that failed, or for want of one.
Reporter::Bytes Reporter::address_of(const Thread& thread, std::int64_t result) {
    const PendingCall& call = thread.call;
    if (!at_sends(call.call) && result < 0) return {};
    switch (call.call) {
        case AT_CALL_SENDTO: return {.at = call.arguments[4], .size = call.arguments[5]};
        case AT_CALL_RECVFROM:
            if (call.arguments[4] == 0) return {};
            return {.at = call.arguments[4],
                    .size = read_user<std::uint32_t>(thread, call.arguments[5]).value_or(0)};
        case AT_CALL_SENDMSG:
        case AT_CALL_RECVMSG: {  // struct msghdr begins with the name and its size
            const auto name = read_user<Bytes>(thread, call.arguments[1]).value_or(Bytes{});
            return {.at = name.at, .size = name.size & 0xffffffff};
        }
        default: return {};
    }
}

void Reporter::tell_on_socket(at_io_record record, const Descriptor& socket, const Address& address) {
    record.local = socket.local;
    record.peer = socket.peer;
    if (socket.local.family == AF_UNIX) {
        const std::string& name = address.unix_name.empty() ? socket.unix_name : address.unix_name;
        return name.empty() ? queue_.push(record) : tell_io(record, name);
    }
    if (record.peer.family == 0) record.peer = address.endpoint;
    queue_.push(record);
}

// At both ends. The time is told once: at the end that is a socket, else at the one that is written to. A failure is
// told there only: which end it was of is not known. What tee moves stays at the end that it came from.
void Reporter::tell_move(Thread& thread, std::int64_t result, Timestamp now) {
    PendingCall& call = thread.call;
    const bool is_tee = call.call == AT_CALL_TEE;
    const bool from_waits = call.file != AT_FILE_SOCKET && call.from_file == AT_FILE_SOCKET;
    const Timestamp entered = call.entered;
    const Nanos waited = call.waited;
    if (call.file != AT_FILE_OTHER && (result >= 0 || !from_waits)) {
        if (from_waits) call.entered = now, call.waited = Nanos(0);
        tell_transfer(thread, result, now);
    }
    if (call.from_file == AT_FILE_OTHER || is_tee || (result < 0 && !from_waits)) return;
    call.entered = from_waits ? entered : now;
    call.waited = from_waits ? waited : Nanos(0);
    call.call = AT_CALL_READ;
    call.arguments[1] = 0;  // into no memory
    call.fd = call.from_fd;
    call.file = call.from_file;
    tell_transfer(thread, result, now);
}

// sendmmsg and recvmmsg return messages, we tell bytes: on a connected socket one record a call; else one a message,
// each with its own peer, and the time is the first one's.
void Reporter::tell_messages(Thread& thread, std::int64_t messages, Timestamp now) {
    PendingCall& call = thread.call;
    std::vector<mmsghdr> all(std::min(static_cast<std::size_t>(messages), kMostMessages));
    const auto bytes = std::as_writable_bytes(std::span(all));
    if (read_memory(thread.process->pid, call.arguments[1], bytes) != bytes.size()) {
        ++read_failures_;
        return;
    }
    Descriptor& socket = thread.process->descriptors->look_up(thread.process->pid, call.fd);
    read_endpoints(thread.process->pidfd, call.fd, socket);
    if (socket.is_connected) {
        std::int64_t sum = 0;
        for (const mmsghdr& message : all) sum += message.msg_len;
        return tell_transfer(thread, sum, now);
    }
    for (const mmsghdr& message : all) {
        const Bytes name{.at = reinterpret_cast<std::uint64_t>(message.msg_hdr.msg_name),
                         .size = message.msg_hdr.msg_namelen};
        tell_on_socket(io_record(thread, message.msg_len, now), socket, read_address(thread, name));
        call.entered = now;
        call.waited = Nanos(0);
    }
}

}  // namespace autotune::ptrace
