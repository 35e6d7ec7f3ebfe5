// Reporter, the part that hears invocation boundaries on the executor's own socket: the head of each request to the
// Runtime API as the send begins, and the first bytes of the answer that brings work.
#include <sys/uio.h>

#include <algorithm>
#include <cstring>

#include "agent/ptrace/proc_files.hpp"
#include "agent/ptrace/reporter.hpp"

namespace autotune::ptrace {
namespace {

constexpr std::size_t kFirstLook = 64;  // most traffic is told apart by it

}  // namespace

// The first piece of memory that a call sends or has received into.
Reporter::Bytes Reporter::first_bytes(const Thread& thread) {
    const PendingCall& call = thread.call;
    std::uint64_t vector = call.arguments[1];
    switch (call.call) {
        case AT_CALL_SENDMSG:
        case AT_CALL_RECVMSG:
        case AT_CALL_SENDMMSG:
        case AT_CALL_RECVMMSG:  // struct user_msghdr: name, name's size, iov at 16, their number
            vector = read_user<std::uint64_t>(thread, vector + 16).value_or(0);
            break;
        case AT_CALL_WRITEV:
        case AT_CALL_READV: break;
        default: return {.at = call.arguments[1], .size = call.arguments[2]};
    }
    if (vector == 0) return {};
    return read_user<Bytes>(thread, vector).value_or(Bytes{});  // struct iovec
}

std::string Reporter::read_bytes(const Thread& thread, Bytes bytes, std::size_t at_most) {
    std::string text(std::min<std::uint64_t>(bytes.size, at_most), '\0');
    if (bytes.at == 0 || text.empty()) return {};
    const auto room = std::as_writable_bytes(std::span(text.data(), text.size()));
    text.resize(read_memory(thread.process->pid, bytes.at, room));
    if (text.empty()) ++read_failures_;
    return text;
}

// What of it is a request is told at once.
at_request Reporter::hear(Thread& thread, Descriptor& descriptor) {
    const Bytes bytes = first_bytes(thread);
    if (descriptor.beginning.empty() && bytes.size < AT_REQUEST_BEGINNING) return AT_REQUEST_NONE;
    const std::string said = read_bytes(thread, bytes, kFirstLook);
    if ((thread.call.has_first = said.size() >= thread.call.first.size()))
        std::copy_n(said.begin(), thread.call.first.size(), thread.call.first.begin());
    std::string text = std::exchange(descriptor.beginning, {}) + said;
    if (!text.starts_with("GET /201") && !text.starts_with("POST /20")) return AT_REQUEST_NONE;
    char prefix[AT_REQUEST_PREFIX]{};
    std::memcpy(prefix, text.data(), std::min(text.size(), sizeof prefix));
    if (text.size() < sizeof prefix) {
        if (!at_may_become_request(prefix, static_cast<unsigned>(text.size()))) return AT_REQUEST_NONE;
        descriptor.beginning = std::move(text);
        return AT_REQUEST_BEGUN;
    }
    const at_request request = at_recognise_request(prefix);
    if (request == AT_REQUEST_NONE) return request;
    const std::size_t from_here = std::min<std::size_t>({text.size(), bytes.size, kFirstLook});
    const std::size_t begun = text.size() - from_here;
    tell_request(thread, descriptor, request, text.substr(0, begun) + read_bytes(thread, bytes, AT_HEAD_SIZE - begun));
    return request;
}

void Reporter::tell_request(Thread& thread, Descriptor& descriptor, at_request request, const std::string& head) {
    Process& process = *thread.process;
    descriptor.control = Control{.awaiting = request == AT_REQUEST_NEXT};
    const Timestamp now = clock_.now();
    at_request_head_record record{};
    record.header = header_of(process, thread.tid, AT_REQUEST_HEAD, sizeof record, now);
    record.usage = usage_.read(process.scope, tasks_);
    record.fd = thread.call.fd;
    read_endpoints(process.pidfd, record.fd, descriptor);
    record.peer = descriptor.peer;
    record.head_size = static_cast<std::uint32_t>(std::min(head.size(), sizeof record.head));
    std::memcpy(record.head, head.data(), record.head_size);
    queue_.push(record);
    tell_times(thread, thread_sums(process.pid, thread.tid), now);
    if (request == AT_REQUEST_INIT_ERROR) queue_.wake();
}

// Parts are told until they hold AT_HEAD_SIZE bytes; the decoder puts the head together and knows where it ends.
void Reporter::tell_answer(Thread& thread, Descriptor& descriptor, std::uint32_t received, Timestamp now) {
    Control& control = *descriptor.control;
    if (!control.awaiting) return;
    Process& process = *thread.process;
    const Bytes bytes = first_bytes(thread);
    const std::string part =
        read_bytes(thread, {.at = bytes.at, .size = std::min<std::uint64_t>(bytes.size, received)}, AT_HEAD_SIZE);
    at_answer_part_record record{};
    record.header = header_of(process, thread.tid, AT_ANSWER_PART, sizeof record, now);
    record.usage = usage_.read(process.scope, tasks_);
    record.fd = thread.call.fd;
    record.offset = control.received;
    record.received = received;
    record.part_size = static_cast<std::uint32_t>(part.size());
    std::memcpy(record.part, part.data(), part.size());
    control.received += received;
    if (control.received >= AT_HEAD_SIZE) control.awaiting = false;
    queue_.push(record);
    if (record.offset == 0) tell_times(thread, thread_sums(process.pid, thread.tid), now);
}

}  // namespace autotune::ptrace
