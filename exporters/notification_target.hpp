// NotificationTarget: where notifications go, and how they are said there.
//
//   webhook=URL                     Alertmanager's webhook format, version 4
//   alertmanager=URL                Alertmanager's own API v2: POST URL/api/v2/alerts
//   slack=FILE                      an incoming webhook, whose URL is in the file
//   pagerduty=FILE[@URL]            Events API v2; the routing key is in the file
//   github=OWNER/REPO,FILE[@URL]    one issue a fingerprint, commented on and closed; the token is in the file
//
// Secrets are read from files only, and are in no error, log or metric. TLS is verified (net/http_client.hpp).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/result.hpp"
#include "exporters/message.hpp"
#include "net/http_client.hpp"

namespace autotune::exporters {

enum class TargetKind : std::uint8_t { webhook, alertmanager, slack, pagerduty, github };
[[nodiscard]] std::string_view to_string(TargetKind kind);

struct NotificationTarget {
    TargetKind kind = TargetKind::webhook;
    std::string base;    // "https://host:port"
    std::string path;    // with query; of slack it is the secret
    std::string secret;  // routing key, token; "" where there is none
    std::string receiver = "autotune";  // "receiver" of webhooks

    // For people: kind and host, never a secret.
    [[nodiscard]] std::string shown() const;
};

// As above. Errors: invalid_argument, with what is wrong; not_found: the file cannot be read.
[[nodiscard]] Result<NotificationTarget> parse_target(std::string_view text);

// How far a message has come that takes several requests: of its own for each message, kept from try to try.
struct Progress {
    bool commented = false;
};

// The last answer. Errors: the client's. Blocks; called from one thread at a time.
[[nodiscard]] Result<net::HttpResponse> deliver(net::HttpClient& client, const NotificationTarget& target,
                                                const Message& message, Progress& progress);

}  // namespace autotune::exporters
