#include "exporters/web_server.hpp"

#include <map>
#include <mutex>
#include <optional>
#include <thread>

#include "net/http_server.hpp"
#include "net/url.hpp"

namespace autotune::exporters {
namespace {

using net::HttpRequest;
using net::HttpResponse;

constexpr const char* kText = "text/plain; charset=utf-8";
constexpr const char* kHtml = "text/html; charset=utf-8";

HttpResponse respond(int status, const std::string& content_type, std::string body) {
    return {.status = status,
            .headers = {{"Content-Type", content_type},
                        {"X-Content-Type-Options", "nosniff"},
                        {"Cache-Control", "no-store"}},
            .body = std::move(body)};
}

int status_of(Errc code) {
    switch (code) {
        case Errc::not_found: return 404;
        case Errc::invalid_argument: return 400;
        default: return 500;
    }
}

std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) switch (c) {
            case '&': out += "&amp;"; break;
            case '<': out += "&lt;"; break;
            case '>': out += "&gt;"; break;
            case '"': out += "&quot;"; break;
            default: out += c;
        }
    return out;
}

struct Registered {
    std::string content_type;
    WebServer::Page page;
};

}  // namespace

struct WebServer::Impl {
    HttpResponse answer(const HttpRequest& request);
    HttpResponse find_page(const std::string& path);
    HttpResponse index();

    std::string agent_version;
    std::mutex mutex;  // of the two below
    std::map<std::string, std::shared_ptr<const Registered>> pages;
    std::optional<std::string> not_ready = "starting";

    net::EventLoop loop;
    std::unique_ptr<net::HttpServer> server;
    std::thread thread;
};

HttpResponse WebServer::Impl::answer(const HttpRequest& request) {
    if (request.method != "GET" && request.method != "HEAD") {
        HttpResponse refused = respond(405, kText, "only GET and HEAD\n");
        refused.headers.set("Allow", "GET, HEAD");
        return refused;
    }
    const std::string path =
        net::percent_decode(request.target.substr(0, request.target.find_first_of("?#")));
    if (path == "/-/healthy") return respond(200, kText, "autotune is healthy.\n");
    if (path == "/-/ready") {
        const std::lock_guard lock(mutex);
        return not_ready ? respond(503, kText, "autotune is not ready: " + *not_ready + "\n")
                         : respond(200, kText, "autotune is ready.\n");
    }
    return find_page(path);
}

HttpResponse WebServer::Impl::find_page(const std::string& path) {
    std::shared_ptr<const Registered> found;
    std::size_t prefix_size = 0;
    {
        const std::lock_guard lock(mutex);
        for (const auto& [prefix, page] : pages) {
            const bool matches = prefix.ends_with('/') ? path.starts_with(prefix) : path == prefix;
            if (matches && prefix.size() >= prefix_size) {
                found = page;
                prefix_size = prefix.size();
            }
        }
    }
    if (!found) return path == "/" ? index() : respond(404, kText, "there is no such page\n");
    auto body = found->page(std::string_view(path).substr(prefix_size));
    if (!body) return respond(status_of(body.error().code), kText, body.error().message + "\n");
    return respond(200, found->content_type, std::move(*body));
}

HttpResponse WebServer::Impl::index() {
    std::string list;
    const auto add = [&](const std::string& path) {
        list += "<li><a href=\"" + escaped(path) + "\">" + escaped(path) + "</a></li>\n";
    };
    const std::lock_guard lock(mutex);
    for (const auto& [prefix, page] : pages) add(prefix);
    add("/-/healthy");
    add("/-/ready");
    return respond(
        200, kHtml,
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>autotune</title>\n"
        "<style>body{font:16px/1.5 sans-serif;max-width:40em;margin:3em auto;padding:0 1em}</style>\n"
        "<h1>autotune</h1>\n<p>" +
            escaped(agent_version) + (not_ready ? " · not ready: " + escaped(*not_ready) : " · ready") +
            "</p>\n<ul>\n" + list + "</ul>\n</html>\n");
}

Result<std::unique_ptr<WebServer>> WebServer::start(WebServerOptions options) {
    auto impl = std::make_unique<Impl>();
    impl->agent_version = std::move(options.agent_version);
    Impl* served = impl.get();
    // Requests have no use for a body here.
    auto server = net::HttpServer::listen(
        impl->loop, {.address = std::move(options.address), .port = options.port, .body_limit = 64 * 1024},
        [served](HttpRequest request, net::Responder responder) { responder.send(served->answer(request)); });
    if (!server) return server.forward("web pages");
    impl->server = std::move(*server);
    impl->thread = std::thread([served] { served->loop.run(); });
    return std::unique_ptr<WebServer>(new WebServer(std::move(impl)));
}

WebServer::WebServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

WebServer::~WebServer() {
    impl_->loop.stop();
    impl_->thread.join();
}

std::uint16_t WebServer::port() const { return impl_->server->port(); }

void WebServer::add_page(std::string path_prefix, std::string content_type, Page page) {
    auto registered =
        std::make_shared<const Registered>(Registered{std::move(content_type), std::move(page)});
    const std::lock_guard lock(impl_->mutex);
    impl_->pages.insert_or_assign(std::move(path_prefix), std::move(registered));
}

void WebServer::set_ready() {
    const std::lock_guard lock(impl_->mutex);
    impl_->not_ready.reset();
}

void WebServer::set_not_ready(std::string reason) {
    const std::lock_guard lock(impl_->mutex);
    impl_->not_ready = std::move(reason);
}

}  // namespace autotune::exporters
