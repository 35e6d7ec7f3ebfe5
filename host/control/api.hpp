// ControlApi: AWS Lambda's control API (REST JSON of 2015-03-31 and its later additions) over this
// host's functions, for awscli, the SDKs, Terraform and the aws-lambda provider.
//
// Signatures are accepted unchecked: whoever may connect may do everything, so serve it on loopback
// only. What this host has not (layers, images, S3, policies, event sources) is refused or told as
// absent, never pretended.
#pragma once

#include <cstdint>
#include <random>

#include "host/control/invoke_operation.hpp"
#include "host/control/operations.hpp"
#include "net/http_server.hpp"

namespace autotune::host {

// A request body the size of Lambda's own limit: a 50 MiB package in base64.
inline constexpr std::size_t request_body_limit = 70'167'211;

class ControlApi {
public:
    struct Options {
        std::uint64_t seed = 0;  // of the draws between versions; 0: a random one
        IdSource new_id;         // of requests; empty: random UUIDs
    };
    // REQUIRES: what `control` refers to outlives the API.
    ControlApi(Control control, Options options);

    // Answers one request, now or when its function did. On the event loop's thread.
    void handle(net::HttpRequest request, net::Responder responder);

    // For HttpServerOptions::too_large.
    [[nodiscard]] static net::HttpResponse too_large(const net::HttpRequest& request);

private:
    Control control_;
    IdSource new_id_;
    std::mt19937_64 random_;
};

}  // namespace autotune::host
