// Reporter, the part about descriptors and I/O: what bpf/parts/{syscalls,io}.bpf.h do.
#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>

#include "agent/ptrace/reporter.hpp"

namespace autotune::ptrace {
namespace {


bool is_transfer(const PendingCall& call) {
    switch (call.call) {
        case AT_CALL_RECVFROM:
        case AT_CALL_RECVMMSG: return (call.arguments[3] & AT_NOT_A_TRANSFER) == 0;
        case AT_CALL_RECVMSG: return (call.arguments[2] & AT_NOT_A_TRANSFER) == 0;
        default: return true;
    }
}

// dup always is; fcntl may also wait for a lock.
bool is_duplication(const PendingCall& call) {
    return call.call != AT_CALL_FCNTL || call.arguments[1] == F_DUPFD || call.arguments[1] == F_DUPFD_CLOEXEC;
}

// One end of a pipe, by the permissions of its link.
bool is_writable(pid_t pid, int fd) {
    struct stat link {};
    const std::string path = "/proc/" + std::to_string(pid) + "/fd/" + std::to_string(fd);
    return lstat(path.c_str(), &link) == 0 && (link.st_mode & S_IWUSR) != 0;
}

}  // namespace

bool Reporter::on_io_entry(Thread& thread) {
    PendingCall& call = thread.call;
    call.call = call.wanted->call;
    if (call.call == AT_CALL_MMAP) {
        call.fd = static_cast<int>(call.arguments[4]);
        return call.is_io = call.fd >= 0;
    }
    if (at_names(call.call) || call.call == AT_CALL_MSYNC || call.call == AT_CALL_SYNC_ALL)
        return call.is_io = detail_.io;
    call.fd = static_cast<int>(call.arguments[at_descriptor(call.call)]);
    if (!at_needs_file(call.call)) {  // told for its consequences, where not for itself
        if (call.call == AT_CALL_ACCEPT) call.waited = take_wait(thread);
        return call.is_io = true;
    }
    const pid_t pid = thread.process->pid;
    Descriptors& descriptors = *thread.process->descriptors;
    if (at_moves(call.call)) {
        call.from_fd = static_cast<int>(call.arguments[at_moved_from(call.call)]);
        call.from_file = *descriptors.look_up(pid, call.from_fd).type;
    }
    Descriptor& descriptor = descriptors.look_up(pid, call.fd);
    call.file = *descriptor.type;
    if (call.file == AT_FILE_OTHER && call.from_file == AT_FILE_OTHER && call.call != AT_CALL_CLOSE) return false;
    if (call.call == AT_CALL_VMSPLICE)  // a write at one end of a pipe, a read at the other
        call.call = is_writable(pid, call.fd) ? AT_CALL_WRITEV : AT_CALL_READV;
    if (call.file == AT_FILE_SOCKET && !is_told(thread, descriptor)) return false;
    if (call.call == AT_CALL_CLOSE) {
        close_entry(thread, descriptor);
        return call.is_io;
    }
    if (call.call == AT_CALL_CLOSE_RANGE && (call.arguments[2] & CLOSE_RANGE_CLOEXEC) != 0) return false;
    call.waited = take_wait(thread);
    const bool moves_descriptors = call.call == AT_CALL_CLOSE_RANGE;
    call.is_io = detail_.io || call.is_control || moves_descriptors;
    return call.is_io;
}

// Of what is said to the Runtime API the answer alone has an end worth seeing.
bool Reporter::is_told(Thread& thread, Descriptor& socket) {
    PendingCall& call = thread.call;
    if (at_sends(call.call) && hear(thread, socket) != AT_REQUEST_NONE) return false;
    if (!socket.control) return true;
    // Before the answer it is the rest of the request; after it, of another protocol.
    if (at_sends(call.call) && socket.control->received > 0) socket.control->awaiting = false;
    call.is_control = at_receives(call.call) && socket.control->awaiting;
    return call.is_control || call.call == AT_CALL_CLOSE;
}

// The number is free as soon as the call begins, so it is forgotten now, here and by the decoder: another thread may
// be given it before we see the end. Only of files is a close told, and only they need that end.
void Reporter::close_entry(Thread& thread, Descriptor& descriptor) {
    PendingCall& call = thread.call;
    const int fd = call.fd;
    if (descriptor.connecting) tell_connected(descriptor, -ECONNABORTED, clock_.now());
    call.is_io = call.file == AT_FILE_DATA && detail_.io;
    call.closed = std::move(descriptor.name);
    tell_fd_change(thread, fd, fd, 0);
    thread.process->descriptors->closed(fd, fd);
}

void Reporter::on_io_exit(Thread& thread, std::int64_t result, Timestamp now) {
    PendingCall& call = thread.call;
    const int fd = call.fd;
    Descriptors& descriptors = *thread.process->descriptors;
    if (!is_transfer(call)) return;
    if (call.is_control) {
        Descriptor* descriptor = descriptors.find(fd);
        if (result > 0 && call.call != AT_CALL_RECVMMSG && descriptor && descriptor->control)
            tell_answer(thread, *descriptor, static_cast<std::uint32_t>(result), now);
        return;
    }
    const bool is_worth_telling =
        at_worth_telling(result, static_cast<std::uint64_t>(latency_of(call, now).count())) != 0;
    switch (call.call) {
        case AT_CALL_FCNTL:
        case AT_CALL_DUP:
            if (result < 0 || !is_duplication(call)) return;
            descriptors.duplicated(fd, static_cast<int>(result));
            return tell_fd_change(thread, fd, static_cast<int>(result), 1);
        case AT_CALL_CLOSE_RANGE:
            if (result != 0) return;
            descriptors.closed(fd, static_cast<int>(call.arguments[1]));
            return tell_fd_change(thread, fd, static_cast<int>(call.arguments[1]), 0);
        case AT_CALL_MMAP:
        case AT_CALL_MSYNC: return tell_mapping(thread, result, now);
        case AT_CALL_IO_URING:
        case AT_CALL_AIO:
            if (result <= 0) return;
            return tell_not_decoded(thread, call.call == AT_CALL_AIO ? AT_NOT_AIO : AT_NOT_IO_URING,
                                    static_cast<std::uint64_t>(result));
        case AT_CALL_CLOSE: return tell_io(io_record(thread, result, now), call.closed);
        case AT_CALL_SYNC_ALL: return queue_.push(io_record(thread, result, now));
        default: break;
    }
    if (at_names(call.call)) return tell_name(thread, result, now);
    if (!is_worth_telling) return;
    if (call.call == AT_CALL_CONNECT) return on_connect(thread, result, now);
    if (call.call == AT_CALL_ACCEPT) return on_accept(thread, result, now);
    if (at_moves(call.call)) return tell_move(thread, result, now);
    if (at_counts_messages(call.call) && result > 0) return tell_messages(thread, result, now);
    tell_transfer(thread, result, now);
}

// In it all but the addresses.
at_io_record Reporter::io_record(const Thread& thread, std::int64_t result, Timestamp now) const {
    const PendingCall& call = thread.call;
    at_io_record record{};
    record.header = header_of(*thread.process, thread.tid, AT_IO, sizeof record, now);
    record.result = result;
    record.latency_ns = static_cast<std::uint64_t>(latency_of(call, now).count());
    record.waited_ns = static_cast<std::uint64_t>(call.waited.count());
    record.fd = call.fd;
    record.op = static_cast<std::uint8_t>(at_op_of(call.call, call.file));
    record.file = static_cast<std::uint8_t>(call.file);
    return record;
}

void Reporter::tell_io(const at_io_record& record, std::string_view path) {
    at_io_path_record named{};
    named.io = record;
    named.io.header.kind = AT_IO_PATH;
    named.io.header.size = sizeof named;
    if (path.size() >= sizeof named.path) named.io.flags |= AT_IO_PATH_CUT;
    std::memcpy(named.path, path.data(), std::min(path.size(), sizeof named.path - 1));
    queue_.push(named);
}

void Reporter::on_accept(Thread& thread, std::int64_t result, Timestamp now) {
    thread.call.file = AT_FILE_SOCKET;
    at_io_record record = io_record(thread, result, now);
    const int fd = result >= 0 ? static_cast<int>(result) : thread.call.fd;
    Descriptor& socket = thread.process->descriptors->look_up(thread.process->pid, fd);
    read_endpoints(thread.process->pidfd, fd, socket);
    tell_on_socket(record, socket, {});
}

void Reporter::tell_not_decoded(const Thread& thread, at_not_decoded what, std::uint64_t count) {
    at_not_decoded_record record{};
    record.header = header_of(*thread.process, thread.tid, AT_NOT_DECODED, sizeof record, clock_.now());
    record.count = count;
    record.what = what;
    queue_.push(record);
}

void Reporter::tell_fd_change(const Thread& thread, int from, int to, std::uint32_t is_dup) {
    at_fd_change_record record{};
    record.header = header_of(*thread.process, thread.tid, AT_FD_CHANGE, sizeof record, clock_.now());
    record.from = from;
    record.to = to;
    record.is_dup = is_dup;
    queue_.push(record);
}

}  // namespace autotune::ptrace
