#include "net/http_connection.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/buffers_suffix.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cerrno>
#include <limits>
#include <utility>  // before Asio: Boost 1.74 forgets it

#include "net/response_head.hpp"

namespace autotune::net {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;
using Parser = http::request_parser<http::string_body>;

constexpr std::uint32_t kHeaderLimit = 64 * 1024;
constexpr std::size_t kPipelineLimit = 64 * 1024;      // read ahead while an answer is awaited
constexpr std::size_t kDrainLimit = 64 * 1024 * 1024;  // read and thrown away after a refusal
constexpr auto kDrainTime = std::chrono::seconds(5);

auto completing(error_code& into) { return asio::redirect_error(asio::use_awaitable, into); }

// The bytes are no HTTP, as opposed to: they stopped coming.
bool malformed(const error_code& failed) {
    return failed.category() == http::make_error_code(http::error::bad_method).category() &&
           failed != http::error::end_of_stream && failed != http::error::partial_message;
}

HttpResponse plain(int status, std::string text) {
    return {.status = status,
            .headers = {{"Content-Type", "text/plain; charset=utf-8"}},
            .body = std::move(text)};
}

HttpRequest to_request(Parser& parser) {
    auto& message = parser.get();
    HttpRequest request;
    request.method = std::string(message.method_string());
    request.target = std::string(message.target());
    for (const auto& field : message)
        request.headers.add(std::string(field.name_string()), std::string(field.value()));
    request.body = std::move(message.body());
    return request;
}

class Connection final : public HttpConnection, public std::enable_shared_from_this<Connection> {
public:
    Connection(std::shared_ptr<ServerShared> server, tcp::socket socket)
        : server_(std::move(server)), stream_(std::move(socket)), answered_(server_->context()) {
        answered_.expires_at(asio::steady_timer::time_point::max());
    }
    ~Connection() override { server_->connections.erase(this); }

    asio::awaitable<void> serve();
    void close() override;

private:
    using Limit = std::chrono::steady_clock::duration;

    // Each of these says whether the connection goes on.
    asio::awaitable<bool> read_head(Parser& parser);
    asio::awaitable<bool> read_body(Parser& parser);
    asio::awaitable<bool> answer(Parser& parser);
    asio::awaitable<bool> write(const HttpResponse& response, AfterAnswer after, std::string_view method);

    asio::awaitable<void> refuse(HttpResponse response, std::string_view method = "GET");
    asio::awaitable<void> drain();
    asio::awaitable<void> wait_for_answer(std::shared_ptr<Responder::State> state);
    void watch_peer();
    void look_at_peer();
    void peer_left();

    [[nodiscard]] Limit patience() const {
        return std::chrono::duration_cast<Limit>(server_->options.header_timeout);
    }

    std::shared_ptr<ServerShared> server_;
    beast::tcp_stream stream_;
    asio::steady_timer answered_;                // never expires: cancelled when there is something to do
    beast::flat_buffer buffer_;                  // read and not yet parsed
    std::shared_ptr<Responder::State> waiting_;  // set while an answer is awaited and the peer watched
    std::uint64_t turn_ = 0;                     // tells a stale watch's completion from the present one's
    std::uint64_t served_ = 0;
};

asio::awaitable<void> Connection::serve() {
    const auto kept = shared_from_this();
    error_code ignored;
    stream_.socket().set_option(tcp::no_delay(true), ignored);
    for (bool open = true; open && !server_->stopped; ++served_) {
        Parser parser;
        parser.header_limit(kHeaderLimit);
        // The limit is kept in read_body(). Not boost::none: Boost 1.74 takes that for less than any length.
        parser.body_limit(std::numeric_limits<std::uint64_t>::max());
        open = co_await read_head(parser);
        if (open) open = co_await read_body(parser);
        if (open) open = co_await answer(parser);
    }
    close();
}

asio::awaitable<bool> Connection::read_head(Parser& parser) {
    error_code failed;
    if (buffer_.size() == 0) {
        // Between requests a client may be silent as long as it likes; a new one must say something.
        if (served_ == 0) {
            stream_.expires_after(patience());
        } else {
            stream_.expires_never();
        }
        const auto n = co_await stream_.async_read_some(buffer_.prepare(4096), completing(failed));
        if (failed) co_return false;
        buffer_.commit(n);
    }
    stream_.expires_after(patience());
    co_await http::async_read_header(stream_, buffer_, parser, completing(failed));
    if (!failed) co_return true;
    if (failed == http::error::header_limit) {
        co_await refuse(plain(431, "the request's header fields are larger than 64 KiB\n"));
    } else if (malformed(failed)) {
        co_await refuse(plain(400, "malformed request: " + failed.message() + "\n"));
    }
    co_return false;
}

asio::awaitable<bool> Connection::read_body(Parser& parser) {
    const std::size_t limit = server_->options.body_limit;
    const auto declared = parser.content_length();
    bool too_large = declared && *declared > limit;
    error_code failed;

    if (!too_large && parser.get().count(http::field::expect) > 0) {
        if (!beast::iequals(parser.get()[http::field::expect], "100-continue")) {
            co_await refuse(plain(417, "the only expectation known here is 100-continue\n"));
            co_return false;
        }
        if (!parser.is_done() && buffer_.size() == 0) {
            static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
            stream_.expires_after(patience());
            co_await asio::async_write(stream_, asio::buffer(kContinue.data(), kContinue.size()),
                                       completing(failed));
            if (failed) co_return false;
        }
    }
    while (!too_large && !parser.is_done()) {
        stream_.expires_after(patience());  // per piece: a large body may take longer than its head
        co_await http::async_read_some(stream_, buffer_, parser, completing(failed));
        if (failed) {
            if (malformed(failed)) co_await refuse(plain(400, "malformed body: " + failed.message() + "\n"));
            co_return false;
        }
        too_large = parser.get().body().size() > limit;
    }
    if (!too_large) co_return true;
    if (server_->stopped) co_return false;  // as in answer()

    parser.get().body().clear();
    const HttpRequest request = to_request(parser);
    HttpResponse response = server_->options.too_large
                                ? server_->options.too_large(request)
                                : plain(413, "the body is larger than " + std::to_string(limit) + " bytes\n");
    co_await refuse(std::move(response), request.method);
    co_return false;
}

asio::awaitable<bool> Connection::answer(Parser& parser) {
    const bool keep_alive = parser.keep_alive();
    const bool http_1_0 = parser.get().version() < 11;
    HttpRequest request = to_request(parser);
    const std::string method = request.method;

    const auto state = std::make_shared<Responder::State>();
    state->server = server_;
    if (server_->stopped) co_return false;  // since this was read: the handler's owner may be gone
    server_->handler(std::move(request), Responder(state));
    if (!state->response && !server_->stopped) co_await wait_for_answer(state);
    if (server_->stopped || !state->response) co_return false;

    const AfterAnswer after = !keep_alive ? AfterAnswer::close
                              : http_1_0  ? AfterAnswer::keep_alive_1_0
                                          : AfterAnswer::keep_alive;
    const HttpResponse response = *std::move(state->response);
    const bool written = co_await write(response, after, method);
    if (state->sent && !server_->stopped) std::exchange(state->sent, nullptr)(written);
    if (written && !keep_alive && !server_->stopped) co_await drain();
    co_return written&& keep_alive;
}

asio::awaitable<bool> Connection::write(const HttpResponse& response, AfterAnswer after,
                                        std::string_view method) {
    const std::string head = response_head(response, after);
    const bool with_body = method != "HEAD" && may_have_body(response.status);
    const std::array<asio::const_buffer, 2> parts{
        asio::buffer(head), asio::buffer(response.body.data(), with_body ? response.body.size() : 0)};
    beast::buffers_suffix<std::array<asio::const_buffer, 2>> left(parts);
    while (beast::buffer_bytes(left) > 0) {
        stream_.expires_after(patience());  // per piece, for a slow reader
        error_code failed;
        const auto n = co_await stream_.async_write_some(left, completing(failed));
        if (failed) co_return false;
        left.consume(n);
    }
    co_return true;
}

asio::awaitable<void> Connection::refuse(HttpResponse response, std::string_view method) {
    const HttpResponse kept = std::move(response);
    if (co_await write(kept, AfterAnswer::close, method)) co_await drain();
}

// Closing a socket with unread bytes resets it, and the peer loses the answer that it has not read yet.
// So what it still sends is read and thrown away, for a while.
asio::awaitable<void> Connection::drain() {
    error_code failed;
    stream_.socket().shutdown(tcp::socket::shutdown_send, failed);
    stream_.expires_after(kDrainTime);
    buffer_.clear();
    for (std::size_t drained = 0; !failed && drained < kDrainLimit;)
        drained += co_await stream_.async_read_some(buffer_.prepare(64 * 1024), completing(failed));
}

asio::awaitable<void> Connection::wait_for_answer(std::shared_ptr<Responder::State> state) {
    waiting_ = state;
    state->wake = [this] { answered_.cancel(); };
    watch_peer();
    while (!state->response && !state->peer_gone && !server_->stopped) {
        error_code cancelled;
        co_await answered_.async_wait(completing(cancelled));
    }
    state->wake = nullptr;
    waiting_ = nullptr;
    ++turn_;
    error_code ignored;
    stream_.socket().cancel(ignored);  // ends the watch
}

void Connection::watch_peer() {
    stream_.socket().async_wait(tcp::socket::wait_read,
                                [kept = shared_from_this(), turn = turn_](error_code failed) {
                                    if (!failed && turn == kept->turn_) kept->look_at_peer();
                                });
}

// Bytes that come while an answer is awaited are pipelined requests: kept for later, since only behind
// them shows that the peer has gone.
void Connection::look_at_peer() {
    while (buffer_.size() < kPipelineLimit) {
        const auto room = buffer_.prepare(4096);
        const auto n = ::recv(stream_.socket().native_handle(), room.data(), room.size(), MSG_DONTWAIT);
        if (n > 0) {
            buffer_.commit(static_cast<std::size_t>(n));
        } else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            return watch_peer();
        } else if (n == 0 || errno != EINTR) {
            return peer_left();
        }
    }
}

void Connection::peer_left() {
    const auto state = waiting_;
    state->peer_gone = true;
    answered_.cancel();
    if (state->gone) std::exchange(state->gone, nullptr)();
}

void Connection::close() {
    error_code ignored;
    stream_.socket().close(ignored);
    answered_.cancel();
}

}  // namespace

void serve_connection(const std::shared_ptr<ServerShared>& server, int fd) {
    tcp::socket socket(server->context());
    error_code failed;
    socket.assign(tcp::v4(), fd, failed);  // the protocol matters only to calls that are not made here
    if (failed) {
        ::close(fd);
        return;
    }
    const auto connection = std::make_shared<Connection>(server, std::move(socket));
    server->connections.emplace(connection.get(), connection);
    asio::co_spawn(
        server->context(), [connection] { return connection->serve(); },
        // A handler that throws breaks its contract: the loop ends with it, nothing is swallowed.
        [](std::exception_ptr thrown) {
            if (thrown) std::rethrow_exception(thrown);
        });
}

}  // namespace autotune::net
