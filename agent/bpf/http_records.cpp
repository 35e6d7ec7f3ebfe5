// RecordDecoder, the part about HTTP: transfers on sockets to exchanges.
#include <algorithm>
#include <utility>

#include "agent/bpf/record_decoder.hpp"

namespace autotune {
namespace {

constexpr std::size_t kMostConnections = 4096;  // of one process; past it all are forgotten

HttpTransfer to_transfer(const at_header& header, std::uint8_t op, std::uint64_t latency_ns, std::int64_t bytes) {
    const Timestamp ended = make_event(header, {}).at;
    return {.way = op == AT_OP_SEND ? Way::sent : Way::received,
            .thread = ThreadId(header.tid),
            .begun = ended - Nanos(static_cast<std::int64_t>(std::min<std::uint64_t>(latency_ns, header.at_ns))),
            .ended = ended,
            .bytes = static_cast<std::uint64_t>(bytes)};
}

}  // namespace

void RecordDecoder::on_http(const at_http_record& r, EventBatch& batch) {
    if (r.moved <= 0) return;
    const std::string_view text(r.text, std::min<std::size_t>(r.size, sizeof r.text));
    if (r.tls != 0)
        return hear_tls({.header = r.header,
                         .latency_ns = r.latency_ns,
                         .moved = static_cast<std::uint64_t>(r.moved),
                         .tls = r.tls,
                         .fd = r.fd,
                         .op = r.op,
                         .reserved = 0,
                         .flags = r.flags,
                         .local = r.local,
                         .peer = r.peer},
                        text, batch);
    KnownProcess& process = book_.open(r.header);
    const Endpoint local = to_endpoint(r.local), peer = to_endpoint(r.peer);
    const auto known = process.http.find(r.fd);
    if (known != process.http.end() && (known->second.local != local || known->second.peer != peer))
        end_conversations(r.header, r.fd, r.fd, batch);  // its end passed by unseen
    if (process.http.size() >= kMostConnections) process.http.clear();
    HttpConnection& connection = process.http[r.fd];
    connection.local = local;
    connection.peer = peer;
    connection.fd = r.fd;
    if (r.usage.cpu_ns != 0 || r.usage.memory_now != 0) connection.usage = to_usage(r.usage);
    HttpTransfer transfer = to_transfer(r.header, r.op, r.latency_ns, r.moved);
    transfer.text = text;
    transfer.ends_chunks = (r.flags & AT_IO_LAST_CHUNK) != 0;
    std::vector<HttpExchange> over;
    connection.talk.add(transfer, over);
    tell_exchanges(r.header, connection, over, batch);
}

void RecordDecoder::on_tls(const at_tls_record& r, EventBatch& batch) { hear_tls(r, {}, batch); }

void RecordDecoder::hear_tls(const at_tls_record& r, std::string_view text, EventBatch& batch) {
    KnownProcess& process = book_.open(r.header);
    std::vector<HttpExchange> over;
    const bool is_new = (r.flags & AT_IO_NEW_TLS) != 0;
    if (const auto known = process.tls.find(r.tls);
        known != process.tls.end() && (is_new || r.op == AT_OP_CLOSE)) {
        known->second.talk.close(make_event(r.header, {}).at, over);
        tell_exchanges(r.header, known->second, std::exchange(over, {}), batch);
        process.tls.erase(known);
    }
    if (r.op == AT_OP_CLOSE || r.moved > INT64_MAX) return;
    if (process.tls.size() >= kMostConnections) process.tls.clear();
    HttpConnection& connection = process.tls[r.tls];
    connection.wrapping = Wrapping::tls;
    if (r.fd >= 0) {
        connection.fd = r.fd;
        connection.local = to_endpoint(r.local);
        connection.peer = to_endpoint(r.peer);
    }
    HttpTransfer transfer = to_transfer(r.header, r.op, r.latency_ns, static_cast<std::int64_t>(r.moved));
    transfer.text = text;
    transfer.ends_chunks = (r.flags & AT_IO_LAST_CHUNK) != 0;
    connection.talk.add(transfer, over);
    tell_exchanges(r.header, connection, over, batch);
}

void RecordDecoder::end_tls(const at_header& header, EventBatch& batch) {
    KnownProcess* process = book_.find(header);
    if (process == nullptr) return;
    for (auto& [object, connection] : std::exchange(process->tls, {})) {
        std::vector<HttpExchange> over;
        connection.talk.close(make_event(header, {}).at, over);
        tell_exchanges(header, connection, over, batch);
    }
}

// What only counts for where in a message the connection is.
void RecordDecoder::hear_transfer(const at_io_record& r, EventBatch& batch) {
    if (r.op == AT_OP_ACCEPT && r.result >= 0)
        return end_conversations(r.header, static_cast<int>(r.result), static_cast<int>(r.result), batch);
    if (r.op == AT_OP_CONNECT) return end_conversations(r.header, r.fd, r.fd, batch);
    if (r.result < 0 || (r.flags & AT_IO_IN_HTTP) != 0) return;
    KnownProcess* process = book_.find(r.header);
    if (process == nullptr || process->http.empty()) return;
    const auto known = process->http.find(r.fd);
    if (known == process->http.end()) return;
    std::vector<HttpExchange> over;
    HttpTransfer transfer = to_transfer(r.header, r.op, r.latency_ns, r.result);
    transfer.ends_chunks = (r.flags & AT_IO_LAST_CHUNK) != 0;
    if (r.result > 0)
        known->second.talk.add(transfer, over);
    else if (r.op == AT_OP_RECEIVE)
        known->second.talk.end_received(transfer.ended, over);
    tell_exchanges(r.header, known->second, over, batch);
}

void RecordDecoder::end_conversations(const at_header& header, int first, int last, EventBatch& batch) {
    KnownProcess* process = book_.find(header);
    if (process == nullptr || first > last) return;
    const auto begin = process->http.lower_bound(first), end = process->http.upper_bound(last);
    for (auto it = begin; it != end; ++it) {
        std::vector<HttpExchange> over;
        it->second.talk.close(make_event(header, {}).at, over);
        tell_exchanges(header, it->second, over, batch);
    }
    process->http.erase(begin, end);
    for (auto& [object, connection] : process->tls) {
        if (connection.fd < first || connection.fd > last) continue;
        std::vector<HttpExchange> over;
        connection.talk.close(make_event(header, {}).at, over);
        tell_exchanges(header, connection, over, batch);
        connection.fd = -1;
    }
}

void RecordDecoder::finish(Timestamp now, EventBatch& batch) {
    for (auto& [pid, process] : book_.all()) {
        at_header header{};
        header.tgid = header.tid = pid;
        header.start_ns = process.id.start_ns;
        header.cgroup = static_cast<std::uint64_t>(process.cgroup);
        const auto end = [&](HttpConnection& connection) {
            std::vector<HttpExchange> over;
            connection.talk.close(now, over);
            std::erase_if(over, [](const HttpExchange& e) { return e.status == 0; });  // perhaps later
            tell_exchanges(header, connection, over, batch);
        };
        for (auto& [fd, connection] : std::exchange(process.http, {})) end(connection);
        for (auto& [object, connection] : std::exchange(process.tls, {})) end(connection);
    }
}

// On a connection one request is worked on at a time: it ends before the next one begins.
void RecordDecoder::tell_exchanges(const at_header& header, HttpConnection& connection,
                                   const std::vector<HttpExchange>& over, EventBatch& batch) {
    const std::vector<HttpExchange> begun = connection.talk.take_begun();
    auto next = begun.begin();
    for (const HttpExchange& e : over) {
        if (e.begun && !connection.work && next != begun.end()) begin_work(header, connection, *next++, batch);
        tell_exchange(header, connection, e, batch);
        if (e.begun) end_work(header, connection, e, batch);
    }
    while (next != begun.end()) begin_work(header, connection, *next++, batch);
}

void RecordDecoder::tell_exchange(const at_header& header, const HttpConnection& connection, const HttpExchange& e,
                                  EventBatch& batch) {
    StringTable& strings = batch.tables.strings;
    const bool is_answered = e.status != 0;
    Event event =
        make_event(header, HttpDone{.side = e.side,
                                    .tls = connection.wrapping == Wrapping::tls,
                                    .status = e.status,
                                    .method = strings.intern(e.method),
                                    .host = strings.intern(e.host),
                                    .path = strings.intern(e.path),
                                    .trace_context = strings.intern(e.trace_context),
                                    .latency = is_answered ? std::max(e.answered - e.asked, Nanos(0)) : Nanos(0),
                                    .duration = std::max(e.ended - e.asked, Nanos(0)),
                                    .request_bytes = e.request_bytes,
                                    .response_bytes = e.response_bytes,
                                    .local = connection.local,
                                    .peer = connection.peer});
    event.at = e.ended;
    event.thread = e.thread;  // its end may be another one's doing
    batch.events.push_back(event);
}

}  // namespace autotune
