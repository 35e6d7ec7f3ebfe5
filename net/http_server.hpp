// HttpServer: HTTP/1.1 on an EventLoop. Long polls are cheap: a handler may answer any time later.
//
// Keep-alive, pipelining in order, chunked request bodies, TCP_NODELAY, headers and body in one
// write, `Expect: 100-continue`. A malformed request gets 400 and its connection closed; the server
// goes on.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "core/result.hpp"
#include "net/event_loop.hpp"
#include "net/http.hpp"

namespace autotune::net {

// Answers one request, once. Dropping it unanswered sends 500. On the loop's thread only.
class Responder {
public:
    Responder();
    ~Responder();
    Responder(Responder&&) noexcept;
    Responder& operator=(Responder&&) noexcept;

    // Sends the answer; `sent` runs once it was handed to the kernel (true), or the peer has gone (false).
    void send(HttpResponse response, std::function<void(bool)> sent = {});
    // The peer closed the connection: an answer would reach nobody.
    [[nodiscard]] bool peer_gone() const;
    // Runs `gone` if the peer closes before the answer was sent. One at a time.
    void on_peer_gone(std::function<void()> gone);

    struct State;
    explicit Responder(std::shared_ptr<State> state);

private:
    std::shared_ptr<State> state_;
};

using Handler = std::function<void(HttpRequest, Responder)>;

struct HttpServerOptions {
    std::string address = "127.0.0.1";
    std::uint16_t port = 0;                       // 0: the kernel chooses
    std::size_t body_limit = 8 * 1024 * 1024;     // more is answered by `too_large` without reading it all
    std::function<HttpResponse(const HttpRequest&)> too_large;  // empty: plain 413
    Nanos header_timeout = std::chrono::seconds(30);            // slow-loris guard; not for long polls
};

class HttpServer {
public:
    // Listens at once. Errors name address and port. REQUIRES: `loop` outlives the server.
    static Result<std::unique_ptr<HttpServer>> listen(EventLoop& loop, HttpServerOptions options, Handler handler);
    ~HttpServer();  // stops listening and closes all connections; on the loop's thread or after run()

    [[nodiscard]] std::uint16_t port() const;

private:
    struct Impl;
    explicit HttpServer(std::shared_ptr<Impl> impl);
    std::shared_ptr<Impl> impl_;
};

}  // namespace autotune::net
