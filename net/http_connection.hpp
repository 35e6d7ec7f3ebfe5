// One accepted connection of an HttpServer. Internal to net/: use http_server.hpp.
//
// A connection reads one request, hands it to the handler, waits for the answer, writes it, and only
// then looks at the next: so pipelined requests are answered in order. While an answer is awaited the
// socket is watched, to learn that the peer has gone.
#pragma once

#include <memory>
#include <optional>
#include <unordered_map>

#include "net/http_server.hpp"

namespace autotune::net {

class HttpConnection {
public:
    HttpConnection() = default;
    virtual ~HttpConnection() = default;
    HttpConnection(const HttpConnection&) = delete;
    HttpConnection& operator=(const HttpConnection&) = delete;
    virtual void close() = 0;
};

// What the connections of one server share. On the loop's thread only.
struct ServerShared {
    EventLoop& loop;
    HttpServerOptions options;
    Handler handler;
    bool stopped = false;  // the server was destroyed: no handler and no callback runs any more
    std::unordered_map<HttpConnection*, std::weak_ptr<HttpConnection>> connections;

    [[nodiscard]] boost::asio::io_context& context() { return loop.context(); }
};

// Takes the connected TCP socket `fd` over and serves it until one of the sides closes it.
void serve_connection(const std::shared_ptr<ServerShared>& server, int fd);

// What a Responder and the connection that waits for it have in common.
struct Responder::State {
    std::weak_ptr<ServerShared> server;
    std::optional<HttpResponse> response;
    std::function<void(bool)> sent;
    std::function<void()> gone;
    std::function<void()> wake;  // set while the connection waits
    bool peer_gone = false;
};

}  // namespace autotune::net
