// HttpServer: HTTP/1.1 (RFC 9112) on an EventLoop. Long polls are cheap: a handler may answer any time
// later.
//
// Keep-alive, pipelining in order, chunked request bodies, TCP_NODELAY, headers and body in one
// write, `Expect: 100-continue`. A malformed request gets 400, too large a head 431, and the connection is
// closed; a request cut off or too slow closes it without a word. The server goes on. A peer that closes
// its side, even only for sending, counts as gone for answers that are still awaited.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "core/result.hpp"
#include "net/event_loop.hpp"
#include "net/http.hpp"

namespace autotune::net {

// Answers one request, once. Dropping it unanswered sends 500. On the loop's thread only. May outlive
// the connection and the server: then it does nothing.
class Responder {
public:
    Responder();
    ~Responder();
    Responder(Responder&&) noexcept;
    Responder& operator=(Responder&&) noexcept;

    // Sends the answer; `sent` runs once it was handed to the kernel (true), or the peer has gone (false):
    // later, from the loop, never inside this call. A second answer is ignored.
    void send(HttpResponse response, std::function<void(bool)> sent = {});
    // The peer closed the connection: an answer would reach nobody.
    [[nodiscard]] bool peer_gone() const;
    // Runs `gone` if the peer closes before send(). One at a time; it may destroy this Responder.
    void on_peer_gone(std::function<void()> gone);

    struct State;
    explicit Responder(std::shared_ptr<State> state);

private:
    std::shared_ptr<State> state_;
};

// Must neither block nor throw. May destroy the server.
using Handler = std::function<void(HttpRequest, Responder)>;

struct HttpServerOptions {
    std::string address = "127.0.0.1";
    std::uint16_t port = 0;  // 0: the kernel chooses
    std::size_t body_limit =
        8 * 1024 * 1024;  // more is answered by `too_large`, then the connection is closed
    // Given the request without its body. Empty: plain 413. What the client still sends is read and thrown
    // away, up to 64 MiB or 5 s, so that it gets to read the answer.
    std::function<HttpResponse(const HttpRequest&)> too_large;
    // How long a connection may take to its first request, a head to come, a peer to send or take the next
    // piece of a body. Not for long polls, nor for the silence between requests.
    Nanos header_timeout = std::chrono::seconds(30);
};

class HttpServer {
public:
    // Listens at once. Errors name address and port. REQUIRES: `loop` outlives the server.
    static Result<std::unique_ptr<HttpServer>> listen(EventLoop& loop, HttpServerOptions options,
                                                      Handler handler);
    // Stops listening and closes all connections; no handler and no callback runs any more. On the
    // loop's thread or after run().
    ~HttpServer();

    [[nodiscard]] std::uint16_t port() const;

private:
    struct Impl;
    explicit HttpServer(std::shared_ptr<Impl> impl);
    std::shared_ptr<Impl> impl_;
};

}  // namespace autotune::net
