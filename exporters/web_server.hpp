// WebServer: the agent's own pages, on a thread of their own: an index at /, /metrics, /-/healthy,
// /-/ready, and whatever is registered. Read-only: only GET and HEAD are answered.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/result.hpp"

namespace autotune::exporters {

struct WebServerOptions {
    std::string address = "127.0.0.1";  // an IP address
    std::uint16_t port = 0;             // 0: the kernel chooses
    std::string agent_version;          // shown on the index
};

class WebServer {
public:
    // What follows the prefix in the decoded path, without its query → the page. not_found becomes 404,
    // invalid_argument 400, other errors 500. Called on the server's thread: short, thread-safe, no throw.
    using Page = std::function<Result<std::string>(std::string_view rest)>;

    // Listens and serves at once, not ready. Errors name address and port.
    static Result<std::unique_ptr<WebServer>> start(WebServerOptions options);
    ~WebServer();  // stops serving; no page is called any more when it returns

    [[nodiscard]] std::uint16_t port() const;

    // The longest registered prefix that the path starts with wins; a prefix without "/" at its end
    // matches only the whole path ("/metrics"). Thread-safe; the same prefix again replaces it.
    void add_page(std::string path_prefix, std::string content_type, Page page);

    // /-/ready answers 503 until the first set_ready(); with a reason, 503 again and the reason.
    void set_ready();
    void set_not_ready(std::string reason);

private:
    struct Impl;
    explicit WebServer(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace autotune::exporters
