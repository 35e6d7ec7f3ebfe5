#include "agent/bpf/http_conversation.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "agent/bpf/http_head.hpp"

namespace autotune {
namespace {

constexpr std::size_t kMostHead = 8192;
constexpr std::size_t kMostPending = 64;
constexpr std::size_t kMostText = 1024;  // of a path, host or trace context
constexpr std::string_view kBlankLine = "\r\n\r\n";

// What messages of a kind begin with.
constexpr std::array<std::string_view, 8> kRequests{"GET ",    "POST ",  "PUT ",     "HEAD ",
                                                    "DELETE ", "PATCH ", "OPTIONS ", "CONNECT "};
constexpr std::array<std::string_view, 1> kAnswers{"HTTP/1."};

bool begins_like(std::string_view text, std::span<const std::string_view> messages) {
    return std::ranges::any_of(messages, [&](std::string_view m) {
        const auto n = std::min(m.size(), text.size());
        return n > 0 && text.substr(0, n) == m.substr(0, n);
    });
}

bool is_request_line(std::string_view line) {
    const auto version = line.rfind(' ');
    return line.size() > 8 && begins_like(line, kRequests) && version > line.find(' ') &&
           line.substr(version + 1).starts_with("HTTP/1.");
}

bool is_status_line(std::string_view line) { return HttpHead(line).status() >= 100; }

bool is_request(std::string_view text) {
    const auto end = text.find("\r\n");
    return end != std::string_view::npos && is_request_line(text.substr(0, end));
}
bool is_answer(std::string_view text) {
    const auto end = text.find("\r\n");
    return end != std::string_view::npos && is_status_line(text.substr(0, end));
}

// Plain text of bounded length: it goes into reports.
std::string plain(std::string_view text) {
    std::string told(text.substr(0, kMostText));
    std::ranges::replace_if(told, [](char c) { return c < ' ' || c > '~'; }, '_');
    return told;
}

// "/path?query", "http://user@host/path", "host:port", "*"
std::string path_of(std::string_view target) {
    target = target.substr(0, target.find_first_of("?#"));
    if (target.starts_with('/')) return plain(target);
    if (const auto scheme = target.find("://"); scheme != std::string_view::npos) {
        const auto slash = target.find('/', scheme + 3);
        return slash == std::string_view::npos ? "/" : plain(target.substr(slash));
    }
    return plain(target.substr(target.rfind('@') + 1));
}

// A request of OpenWhisk's to a container, if its body says so.
bool is_action(const HttpExchange& e) { return e.method == "POST" && (e.path == "/run" || e.path == "/init"); }

// What was copied of a body, up to the first gap.
void keep_action(HttpExchange& e, std::string_view text) {
    if (!is_action(e) || e.begun || e.body.size() != e.request_bytes) return;
    e.body.append(text.substr(0, kMostActionBody - e.body.size()));
}

bool is_chunked(const HttpHead& head) {
    const auto coding = head.header("Transfer-Encoding");
    return coding && coding->size() >= 7 && (coding->ends_with("chunked") || coding->ends_with("Chunked"));
}

}  // namespace

struct HttpConversation::Piece {
    std::uint64_t bytes = 0;
    std::string_view text;
    Timestamp at;       // of its first byte
    Timestamp ended;    // of its last
    ThreadId thread{};
    bool ends_chunks = false;

    void skip(std::uint64_t n) {
        bytes -= n;
        text.remove_prefix(static_cast<std::size_t>(std::min<std::uint64_t>(n, text.size())));
    }
    void skip_all() { skip(bytes); }
};

void HttpConversation::add(const HttpTransfer& t, std::vector<HttpExchange>& over) {
    if (is_opaque_) return;
    Piece piece{.bytes = t.bytes,
                .text = t.text.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(t.text.size(), t.bytes))),
                .at = t.way == Way::sent ? t.begun : t.ended,
                .ended = t.ended,
                .thread = t.thread,
                .ends_chunks = t.ends_chunks};
    if (!is_known_) {
        const bool is_cut = piece.text.find("\r\n") == std::string_view::npos;
        if (is_cut ? !begins_like(piece.text, kRequests) : !is_request(piece.text)) return;
        is_known_ = true;
        requests_go_ = t.way;
    }
    while (piece.bytes > 0 && !is_opaque_) {
        if (t.way == requests_go_)
            ask(piece);
        else
            answer(piece, over);
    }
}

void HttpConversation::close(Timestamp at, std::vector<HttpExchange>& over) {
    for (HttpExchange& open : pending_) {
        if (open.status == 0) open.ended = at;
        over.push_back(std::move(open));
    }
    *this = HttpConversation();
}

void HttpConversation::end_received(Timestamp at, std::vector<HttpExchange>& over) {
    if (requests_go_ == Way::sent) close(at, over);
}

void HttpConversation::ask(Piece& piece) {
    Stream& s = requests_;
    if (s.in_body) {
        if (s.body == Body::sized || !is_request(piece.text)) {
            std::uint64_t of_one_that_is_over = 0;
            if (pending_.empty()) return take_body(s, piece, of_one_that_is_over);
            HttpExchange& exchange = pending_.back();
            trace_context_ = exchange.trace_context;
            keep_action(exchange, s.body == Body::sized ? piece.text.substr(0, s.left) : piece.text);
            take_body(s, piece, exchange.request_bytes);
            return begin_work(piece.ended);
        }
        s.in_body = false;
    }
    if (!take_head(s, piece, kRequests, is_request)) return;
    begin_request(std::exchange(s.head, {}), piece);
    begin_work(requests_.head_at);
}

// The oldest request that waits for an answer, when it has not been told of. An action's waits for its body: what is
// to be done is in it.
void HttpConversation::begin_work(Timestamp at) {
    if (pending_.empty() || requests_go_ == Way::sent) return;
    HttpExchange& next = pending_.front();
    if (next.begun) return;
    const bool is_here = pending_.size() > 1 || !requests_.in_body || next.status != 0;
    if (is_action(next) && !is_here && next.body.size() < kMostActionBody) return;
    next.begun = std::max(at, next.asked);
    begun_.push_back(next);
    next.body = {};
}

void HttpConversation::answer(Piece& piece, std::vector<HttpExchange>& over) {
    Stream& s = answers_;
    if (s.in_body && (s.body == Body::sized || pending_.size() < 2 || !is_answer(piece.text))) {
        HttpExchange& exchange = pending_.front();
        trace_context_ = exchange.trace_context;
        exchange.ended = piece.ended;
        take_body(s, piece, exchange.response_bytes);
        if (!s.in_body) finish_answer(piece.ended, over);
        return;
    }
    if (s.in_body) finish_answer(pending_.front().ended, over);
    trace_context_ = pending_.empty() ? std::string() : pending_.front().trace_context;
    if (pending_.empty()) return piece.skip_all();  // to a request that we have not seen
    if (!take_head(s, piece, kAnswers, is_answer)) return;
    begin_answer(std::exchange(s.head, {}), piece, over);
}

// True when the head is there, whole or as much as there will be.
bool HttpConversation::take_head(Stream& s, Piece& piece, std::span<const std::string_view> beginnings,
                                 bool (*is_one)(std::string_view)) {
    if (s.head.empty()) s.head_at = piece.at;
    const std::size_t before = s.head.size();
    s.head.append(piece.text);
    const bool has_line = s.head.find("\r\n") != std::string::npos;
    const bool is_cut = piece.text.size() < piece.bytes || s.head.size() >= kMostHead;
    if (has_line ? !is_one(s.head) : is_cut || !begins_like(s.head, beginnings)) {
        s.head.clear();
        piece.skip_all();
        return false;
    }
    if (const auto end = s.head.find(kBlankLine); end != std::string::npos) {
        s.head.resize(end + kBlankLine.size());
        piece.skip(s.head.size() - before);
        return true;
    }
    piece.skip_all();
    return is_cut;
}

void HttpConversation::take_body(Stream& s, Piece& piece, std::uint64_t& count) {
    const std::uint64_t n = s.body == Body::sized ? std::min(s.left, piece.bytes) : piece.bytes;
    count += n;
    s.left -= s.body == Body::sized ? n : 0;
    piece.skip(n);
    if (s.body == Body::sized ? s.left == 0 : s.body == Body::chunked && piece.ends_chunks) s.in_body = false;
}

void HttpConversation::begin_request(std::string_view text, const Piece& piece) {
    if (pending_.size() >= kMostPending) {
        pending_.clear();
        is_opaque_ = true;
        return;
    }
    const HttpHead head(text);
    requests_.begin_body(head, HttpHead::is_complete(text), Body::sized);
    pending_.push_back({.side = requests_go_ == Way::sent ? Side::client : Side::server,
                        .thread = piece.thread,
                        .method = plain(head.method()),
                        .host = plain(head.header("Host").value_or("")),
                        .path = path_of(head.target()),
                        .trace_context = plain(
                            head.header("traceparent").value_or(head.header("X-Amzn-Trace-Id").value_or(""))),
                        .asked = requests_.head_at,
                        .receiver = piece.thread,
                        .content_length = head.content_length()});
    trace_context_ = pending_.back().trace_context;
}

void HttpConversation::begin_answer(std::string_view text, const Piece& piece,
                                    std::vector<HttpExchange>& over) {
    const HttpHead head(text);
    const int status = head.status();
    if (status < 200 && status != 101) return;  // interim
    HttpExchange& exchange = pending_.front();
    exchange.status = static_cast<std::uint16_t>(status);
    exchange.answered = answers_.head_at;
    exchange.ended = piece.ended;
    if (exchange.side == Side::server) exchange.thread = piece.thread;
    // Lambda's API tells the caller which trace the invocation was given, where the request named none.
    if (exchange.side == Side::client && exchange.trace_context.empty())
        exchange.trace_context = plain(head.header("X-Amzn-Trace-Id").value_or(""));
    begin_work(answers_.head_at);  // it did without the rest of the body
    const bool is_tunnel = status == 101 || (exchange.method == "CONNECT" && status < 300);
    const bool has_body = !is_tunnel && exchange.method != "HEAD" && status != 204 && status != 304;
    if (has_body) answers_.begin_body(head, HttpHead::is_complete(text), Body::rest);
    if (!answers_.in_body) finish_answer(piece.ended, over);
    is_opaque_ = is_tunnel;
}

// `unsaid`: how a body ends of which the head says nothing. A head that was cut may have said it.
void HttpConversation::Stream::begin_body(const HttpHead& head_of, bool is_whole, Body unsaid) {
    const bool is_sized = head_of.header("Content-Length").has_value();
    body = is_chunked(head_of) ? Body::chunked : !is_whole ? Body::rest : is_sized ? Body::sized : unsaid;
    left = head_of.content_length();
    in_body = body != Body::sized || left > 0;
}

void HttpConversation::finish_answer(Timestamp at, std::vector<HttpExchange>& over) {
    answers_.in_body = false;
    pending_.front().ended = at;
    over.push_back(std::move(pending_.front()));
    pending_.pop_front();
    begin_work(at);
}

}  // namespace autotune
