// RecordDecoder, the part about what happens on networks beside the calls: trouble, names; and what is only counted.
#include <algorithm>
#include <array>

#include "agent/bpf/record_decoder.hpp"
#include "agent/dns/dns_answer.hpp"

namespace autotune {
namespace {

SocketTroubleKind to_kind(__u32 trouble) {
    switch (trouble) {
        case AT_RESET_SENT: return SocketTroubleKind::reset_sent;
        case AT_RESET_RECEIVED: return SocketTroubleKind::reset_received;
        default: return SocketTroubleKind::retransmit;
    }
}

std::string_view to_text(__u32 what) {
    switch (what) {
        case AT_NOT_IO_URING: return "io_uring";
        case AT_NOT_AIO: return "aio";
        case AT_NOT_HTTP2: return "HTTP/2";
        default: return "32-bit system calls";
    }
}

}  // namespace

void RecordDecoder::on_trouble(const at_trouble_record& r, EventBatch& batch) {
    batch.events.push_back(make_event(r.header, SocketTrouble{.kind = to_kind(r.trouble),
                                                              .local = to_endpoint(r.local),
                                                              .peer = to_endpoint(r.peer)}));
}

void RecordDecoder::on_names(const at_names_record& r, EventBatch& batch) {
    const std::size_t size = std::min<std::size_t>(r.size, sizeof r.answer);
    std::span answer = std::as_bytes(std::span(r.answer, size));
    // A program may read the length on its own; then the answer is all there is.
    if (r.is_stream != 0) answer = without_length(answer);
    for (const NamedAddress& known : parse_dns_answer(answer))
        batch.events.push_back(make_event(r.header, NameResolved{.name = batch.tables.strings.intern(known.name),
                                                                 .address = known.address}));
}

void RecordDecoder::on_not_decoded(const at_not_decoded_record& r, EventBatch& batch) {
    batch.events.push_back(make_event(
        r.header, NotDecoded{.what = batch.tables.strings.intern(to_text(r.what)), .count = r.count}));
}

}  // namespace autotune
