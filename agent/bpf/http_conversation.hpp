// HttpConversation: what is said on one connection in HTTP/1.x, put together to exchanges. Pure and total.
//
// Fed with transfers in their order: how many bytes, and the first of them where a head may be among them. Knows
// keep-alive, pipelining, heads in several transfers, bodies by Content-Length, in chunks or up to the connection's
// end, interim answers, answers without a body (HEAD, 204, 304), and upgrades, after which the connection is not
// HTTP any more. Bounded: a head of more than 8 KiB counts as far as it was seen; a connection on which more
// than 64 requests wait for an answer is given up.
//
// Told apart by what is certain only: a message is one when its start line is. Not seen: messages whose first
// bytes do not begin a transfer and were not copied (behind a pipelined body); a body in chunks ends where a transfer
// ends with the last chunk (without trailers), or with the next answer. Nothing of a query, a body or other
// headers than those named in HttpExchange is kept once the head is complete; but the first bytes of the body of
// POST /init and /run to a server (agent/bpf/openwhisk.hpp), until its request has been taken.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/bpf/http_head.hpp"
#include "core/event.hpp"
#include "core/time.hpp"

namespace autotune {

enum class Way : std::uint8_t { received, sent };

struct HttpTransfer {
    Way way{};
    ThreadId thread{};
    Timestamp begun;             // when the call that moved the bytes began …
    Timestamp ended;             // … and ended
    std::uint64_t bytes = 0;
    std::string_view text;       // the first of them, as far as they were copied
    bool ends_chunks = false;    // they end as a body in chunks ends
};

struct HttpExchange {
    Side side{};
    ThreadId thread{};           // that asked, or that answered
    std::uint16_t status = 0;    // 0: nobody answered
    std::string method;
    std::string host;
    std::string path;            // of "*" and authority forms what there is; never a query, a fragment, user names
    std::string trace_context;   // traceparent, else X-Amzn-Trace-Id; a client's without either: X-Amzn-Trace-Id of the answer
    Timestamp asked;             // first byte of the request; a server's: when it was there
    Timestamp answered;          // first byte of the answer
    Timestamp ended;             // last byte of the answer that was seen, or the connection's end
    std::uint64_t request_bytes = 0;   // bodies; in chunks: with what marks them
    std::uint64_t response_bytes = 0;
    // A server's, once it can be worked on: the request is there as far as a server must have it to begin, and
    // those before it on the connection are answered. Before that no value.
    std::optional<Timestamp> begun;
    ThreadId receiver{};         // thread that received the request
    std::uint64_t content_length = 0;  // of the request, as its head says
    std::string body;            // of POST /init and /run: the first bytes, as far as they were copied
};

// Most that is kept of the body of an action's request.
inline constexpr std::size_t kMostActionBody = 8192;

class HttpConversation {
public:
    // Appends what is over thereby.
    void add(const HttpTransfer& transfer, std::vector<HttpExchange>& over);
    // Requests that a server can work on since this was asked last, oldest first.
    [[nodiscard]] std::vector<HttpExchange> take_begun() { return std::exchange(begun_, {}); }
    // The trace context of the request that the newest transfer was of, or answered; empty where there is none.
    [[nodiscard]] const std::string& trace_context() const { return trace_context_; }
    // The other side says no more.
    void end_received(Timestamp at, std::vector<HttpExchange>& over);
    // The connection ends; whatever is open is over.
    void close(Timestamp at, std::vector<HttpExchange>& over);

private:
    enum class Body : std::uint8_t { sized, chunked, rest };  // rest: up to the connection's end
    struct Stream {
        std::string head;  // as far as it is there
        Timestamp head_at;
        Body body = Body::sized;
        std::uint64_t left = 0;  // of a sized body
        bool in_body = false;

        void begin_body(const HttpHead& head, bool is_whole, Body unsaid);
    };
    struct Piece;  // what of a transfer is not used yet

    void ask(Piece& piece);
    void answer(Piece& piece, std::vector<HttpExchange>& over);
    static bool take_head(Stream& stream, Piece& piece, std::span<const std::string_view> beginnings,
                          bool (*is_one)(std::string_view));
    static void take_body(Stream& stream, Piece& piece, std::uint64_t& count);
    void begin_request(std::string_view head, const Piece& piece);
    void begin_answer(std::string_view head, const Piece& piece, std::vector<HttpExchange>& over);
    void finish_answer(Timestamp at, std::vector<HttpExchange>& over);
    void begin_work(Timestamp at);

    Stream requests_;
    Stream answers_;
    std::deque<HttpExchange> pending_;  // oldest first: the one that is being answered; the newest may still be asked
    std::vector<HttpExchange> begun_;
    std::string trace_context_;
    Way requests_go_ = Way::sent;
    bool is_known_ = false;   // which way requests go
    bool is_opaque_ = false;  // upgraded
};

}  // namespace autotune
