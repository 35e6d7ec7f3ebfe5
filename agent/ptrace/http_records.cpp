// Reporter, the part that hears HTTP/1.x on sockets: what bpf/parts/http.bpf.h does, at stops that are made anyway.
// Of a transfer its first bytes are read; more only where they begin a message, or on a connection that speaks HTTP.
#include <algorithm>
#include <cstring>

#include "agent/ptrace/proc_files.hpp"
#include "agent/ptrace/reporter.hpp"
#include "bpf/logic/http.h"

namespace autotune::ptrace {
namespace {

constexpr std::uint32_t kMostHead = 8192;  // copied of one head
constexpr std::uint64_t kMostPieces = 1024;

}  // namespace

// The last piece of memory that a call has sent from, or its only one. Empty when that cannot be told.
Reporter::Bytes Reporter::last_bytes(const Thread& thread, Bytes first, std::uint64_t moved) {
    if (first.size >= moved) return {.at = first.at, .size = moved};
    const PendingCall& call = thread.call;
    Bytes pieces{.at = call.arguments[1], .size = call.arguments[2]};
    if (call.call == AT_CALL_SENDMSG)  // struct user_msghdr: the vector and its size at 16
        pieces = read_user<Bytes>(thread, call.arguments[1] + 16).value_or(Bytes{});
    else if (call.call != AT_CALL_WRITEV)
        return {};
    if (pieces.size == 0 || pieces.size > kMostPieces) return {};
    return read_user<Bytes>(thread, pieces.at + (pieces.size - 1) * sizeof(Bytes)).value_or(Bytes{});
}

std::uint16_t Reporter::tell_http(const Thread& thread, Descriptor& socket, const at_io_record& io) {
    const PendingCall& call = thread.call;
    if (io.result <= 0 || socket.is_datagram || (!at_sends(call.call) && !at_receives(call.call))) return 0;
    const auto moved = static_cast<std::uint64_t>(io.result);
    const Bytes bytes = first_bytes(thread);
    if (bytes.at == 0) return 0;
    char first[AT_HTTP_BEGINNING]{};
    if (call.has_first) {
        std::memcpy(first, call.first.data(), sizeof first);
    } else if (std::min(bytes.size, moved) >= sizeof first) {
        const std::string text = read_bytes(thread, bytes, sizeof first);
        std::memcpy(first, text.data(), std::min(text.size(), sizeof first));
    }
    const bool begins = moved >= sizeof first && at_begins_http(first);
    if (moved >= sizeof first && at_begins_http2(first)) tell_not_decoded(thread, AT_NOT_HTTP2, 1);
    if (!begins && !socket.http) return 0;
    const bool is_send = at_sends(call.call);
    if (begins) {
        const std::uint32_t other_way = at_begins_answer(first) ? 0 : kMostHead;  // an answer may begin with less
        socket.http = HttpTalk{.left_received = is_send ? other_way : kMostHead,
                               .left_sent = is_send ? kMostHead : other_way,
                               .also_body = !is_send && at_begins_action(first)};
    }
    char ending[AT_HTTP_ENDING]{};
    if (const Bytes last = last_bytes(thread, bytes, moved); last.size >= sizeof ending) {
        const std::string text =
            read_bytes(thread, {.at = last.at + last.size - sizeof ending, .size = sizeof ending}, sizeof ending);
        std::memcpy(ending, text.data(), text.size());
    }
    const std::uint16_t flags = at_ends_chunks(ending) ? AT_IO_LAST_CHUNK : 0;
    std::uint32_t& left = is_send ? socket.http->left_sent : socket.http->left_received;
    if (left == 0) return flags;
    at_http_record record{};
    record.header = io.header;
    record.header.kind = AT_HTTP;
    record.header.size = sizeof record;
    record.latency_ns = io.latency_ns;
    record.moved = io.result;
    record.fd = io.fd;
    record.op = io.op;
    record.flags = flags;
    record.local = socket.local;
    record.peer = socket.peer;
    const bool also_body = !is_send && socket.http->also_body;
    if (also_body || (begins && is_send == (at_begins_answer(first) != 0))) {  // a server has its work, or answers
        const Process& process = *thread.process;
        const Timestamp now = from_ns(static_cast<std::int64_t>(io.header.at_ns));
        record.usage = usage_.read(process.scope, tasks_);
        tell_times(thread, thread_sums(process.pid, thread.tid), now);
    }
    const std::string text = read_bytes(thread, {.at = bytes.at, .size = std::min(bytes.size, moved)},
                                        std::min<std::size_t>(left, sizeof record.text));
    record.size = static_cast<std::uint32_t>(text.size());
    std::memcpy(record.text, text.data(), text.size());
    left = (!also_body && at_ends_head(ending)) || moved >= left ? 0 : left - static_cast<std::uint32_t>(moved);
    queue_.push(record);
    return flags | AT_IO_IN_HTTP;
}

}  // namespace autotune::ptrace
