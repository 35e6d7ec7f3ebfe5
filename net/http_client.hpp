// HttpClient: blocking HTTP(S) over libcurl, connections kept alive. One thread at a time.
//
// Redirects are not followed. Proxies are taken from the environment as libcurl does, but never for
// loopback addresses. The target is sent as it stands (a signature may cover it).
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "core/result.hpp"
#include "core/time.hpp"
#include "net/http.hpp"

namespace autotune::net {

struct HttpClientOptions {
    Nanos connect_timeout = std::chrono::seconds(5);
    Nanos timeout = std::chrono::seconds(60);
    std::string ca_file;  // empty: the system's
    std::string user_agent = "autotune";
    std::size_t response_limit = 64 * 1024 * 1024;  // a larger body is an error, resource_exhausted
    // Asked about once a second while a transfer waits, on the sending thread; true ends it (timed_out).
    std::function<bool()> give_up = {};
};

class HttpClient {
public:
    explicit HttpClient(HttpClientOptions options = {});
    ~HttpClient();
    HttpClient(HttpClient&&) noexcept;
    HttpClient& operator=(HttpClient&&) noexcept;

    // Sends `request` to `base` ("http://127.0.0.1:9000") + request.target. Any HTTP status is a
    // value; errors: unavailable (could not connect: nothing was sent), timed_out or unavailable with
    // "after the request was sent" (unknown whether it was carried out), invalid_argument (URL, header or
    // ca_file that cannot be right). A request on a kept connection that the server had already closed is
    // sent again by itself.
    Result<HttpResponse> send(const std::string& base, const HttpRequest& request);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace autotune::net
