// AWS Signature Version 4 (docs.aws.amazon.com, "Create a signed AWS API request") over HttpRequest.
//
// Signed by hand because libcurl 7.88 signs unsorted queries and paths with ":" wrongly.
#pragma once

#include <string>
#include <string_view>

#include "core/result.hpp"
#include "core/time.hpp"
#include "net/http.hpp"

namespace autotune::net {

struct AwsCredentials {
    std::string access_key, secret_key;
    std::string session_token;  // empty: long-lived keys
};

// What a signature is good for: one service in one region, within minutes of `at`.
struct SigV4Scope {
    std::string region;   // "eu-west-1"
    std::string service;  // "lambda"; "s3" has rules of its own (path encoded once, body hash as a field)
    WallTime at;
};

// Sets X-Amz-Date, X-Amz-Security-Token (where there is one), Host and Authorization. `host` is what the
// connection will say: "lambda.eu-west-1.amazonaws.com", "127.0.0.1:9000". All fields that the request
// has are signed, but for those that proxies change (Authorization, User-Agent, Connection, Expect,
// X-Amzn-Trace-Id). Sign last: what is added later is not covered.
// Errors: internal (OpenSSL failed).
Status sign_sigv4(HttpRequest& request, std::string_view host, const AwsCredentials& credentials,
                  const SigV4Scope& scope);

// The text whose hash is signed, for tests and for finding out why a service says no. REQUIRES: the
// fields that are to be signed, Host among them, are in the request.
[[nodiscard]] std::string canonical_request(const HttpRequest& request, std::string_view service);

}  // namespace autotune::net
