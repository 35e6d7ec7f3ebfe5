// Whatever is said on a connection, in whatever pieces: what is told is plain, bounded text without a query, and its
// bytes are no more than went over the connection. Two bytes before each transfer: its way and end, its size.
#include "agent/bpf/http_conversation.hpp"

#include <algorithm>

#include "tests/fuzz/invariant.hpp"

using namespace autotune;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    std::string_view rest(reinterpret_cast<const char*>(data), size);
    HttpConversation talk;
    std::vector<HttpExchange> over;
    std::uint64_t all = 0, begun = 0, worked_on = 0;
    std::int64_t now = 0;
    while (rest.size() > 2) {
        const auto how = static_cast<unsigned char>(rest[0]);
        const std::size_t n = std::min<std::size_t>(static_cast<unsigned char>(rest[1]), rest.size() - 2);
        const std::string_view text = rest.substr(2, n);
        rest.remove_prefix(2 + n);
        const std::uint64_t bytes = n + ((how & 4) != 0 ? 1000 : 0);
        all += bytes;
        now += 10;
        talk.add({.way = (how & 1) != 0 ? Way::sent : Way::received,
                  .begun = from_ns(now),
                  .ended = from_ns(now + 5),
                  .bytes = bytes,
                  .text = text,
                  .ends_chunks = (how & 2) != 0},
                 over);
        if ((how & 8) != 0) talk.end_received(from_ns(now + 5), over);
        for (const HttpExchange& e : talk.take_begun()) {
            fuzz::require(e.side == Side::server && e.begun && *e.begun >= e.asked, "work begins when it is there");
            fuzz::require(e.body.size() <= kMostActionBody, "bounded body");
            ++begun;
        }
    }
    talk.close(from_ns(now + 10), over);
    std::uint64_t told = 0;
    for (const HttpExchange& e : over) {
        for (const std::string* text : {&e.method, &e.host, &e.path, &e.trace_context}) {
            fuzz::require(text->size() <= 1024, "bounded text");
            fuzz::require(std::ranges::all_of(*text, [](char c) { return c >= ' ' && c <= '~'; }), "plain text");
        }
        fuzz::require(e.path.find_first_of("?#") == std::string::npos, "no query");
        fuzz::require(e.ended >= e.asked, "it ends after it began");
        told += e.request_bytes + e.response_bytes;
        worked_on += e.begun ? 1 : 0;
    }
    fuzz::require(worked_on <= begun, "what was worked on has begun");
    fuzz::require(told <= all, "no more bytes than there were");
    return 0;
}
