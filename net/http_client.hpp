// HttpClient: blocking HTTP(S) over libcurl, connections kept alive. One thread at a time.
#pragma once

#include <memory>
#include <string>

#include "core/result.hpp"
#include "core/time.hpp"
#include "net/http.hpp"

namespace autotune::net {

struct HttpClientOptions {
    Nanos connect_timeout = std::chrono::seconds(5);
    Nanos timeout = std::chrono::seconds(60);
    std::string ca_file;            // empty: the system's
    std::string user_agent = "autotune";
};

class HttpClient {
public:
    explicit HttpClient(HttpClientOptions options = {});
    ~HttpClient();
    HttpClient(HttpClient&&) noexcept;
    HttpClient& operator=(HttpClient&&) noexcept;

    // Sends `request` to `base` ("http://127.0.0.1:9000") + request.target. Any HTTP status is a
    // value; errors: unavailable (could not connect: nothing was sent), timed_out or unavailable with
    // "after the request was sent" (unknown whether it was carried out).
    Result<HttpResponse> send(const std::string& base, const HttpRequest& request);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace autotune::net
