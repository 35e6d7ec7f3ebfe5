#include "net/http_server.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <utility>  // before Asio: Boost 1.74 forgets it

#include "net/http_connection.hpp"

namespace autotune::net {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

struct HttpServer::Impl : std::enable_shared_from_this<Impl> {
    Impl(EventLoop& loop, HttpServerOptions options, Handler handler)
        : shared(std::make_shared<ServerShared>(ServerShared{loop, std::move(options), std::move(handler)})),
          acceptor(shared->context()),
          pause(shared->context()) {}

    error_code open(const tcp::endpoint& at) {
        error_code failed;
        acceptor.open(at.protocol(), failed);
        if (!failed) acceptor.set_option(tcp::acceptor::reuse_address(true), failed);
        if (!failed) acceptor.bind(at, failed);
        if (!failed) acceptor.listen(asio::socket_base::max_listen_connections, failed);
        return failed;
    }

    void accept() {
        acceptor.async_accept([kept = shared_from_this()](error_code failed, tcp::socket socket) {
            if (kept->shared->stopped) return;
            if (!failed) {
                if (const int fd = socket.release(failed); !failed) serve_connection(kept->shared, fd);
                return kept->accept();
            }
            if (failed == asio::error::connection_aborted) return kept->accept();
            kept->accept_later();
        });
    }

    // Out of descriptors or memory: the waiting connection is still there, so asking again at once
    // would only spin.
    void accept_later() {
        pause.expires_after(std::chrono::milliseconds(100));
        pause.async_wait([kept = shared_from_this()](error_code failed) {
            if (!failed && !kept->shared->stopped) kept->accept();
        });
    }

    void stop() {
        shared->stopped = true;
        error_code ignored;
        acceptor.close(ignored);
        pause.cancel(ignored);
        const auto connections = std::exchange(shared->connections, {});
        for (const auto& [address, weak] : connections)
            if (const auto connection = weak.lock()) connection->close();
    }

    std::shared_ptr<ServerShared> shared;
    tcp::acceptor acceptor;
    asio::steady_timer pause;
};

HttpServer::HttpServer(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::~HttpServer() { impl_->stop(); }

Result<std::unique_ptr<HttpServer>> HttpServer::listen(EventLoop& loop, HttpServerOptions options,
                                                       Handler handler) {
    const std::string where = options.address + ":" + std::to_string(options.port);
    error_code failed;
    const auto address = asio::ip::make_address(options.address, failed);
    if (failed) return fail(Errc::invalid_argument, "listening on " + where + ": not an IP address");
    const tcp::endpoint at(address, options.port);

    auto impl = std::make_shared<Impl>(loop, std::move(options), std::move(handler));
    failed = impl->open(at);
    if (failed) return unexpected(errno_error("listening on " + where, failed.value()));
    impl->accept();
    return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

std::uint16_t HttpServer::port() const {
    error_code ignored;
    return impl_->acceptor.local_endpoint(ignored).port();
}

}  // namespace autotune::net
