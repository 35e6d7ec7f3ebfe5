// A Message as the services that people are told by want it. Pure.
#pragma once

#include <string>
#include <string_view>

#include "exporters/message.hpp"

namespace autotune::exporters {

// What makes an alert that alert: hex, of rule, provider and function. Receivers tell alerts apart by it.
[[nodiscard]] std::string fingerprint(const Message& message);

// Alertmanager's API v2, POST /api/v2/alerts: a list of one (postableAlerts of its OpenAPI description). What is resolved has an
// end; else Alertmanager's resolve_timeout ends it.
[[nodiscard]] std::string to_alertmanager_json(const Message& message);

// Slack's incoming webhooks: a sentence for the notification, blocks with the facts. Text that people wrote cannot address
// everybody ("<!channel>"): &, < and > are escaped as Slack asks.
[[nodiscard]] std::string to_slack_json(const Message& message);

// PagerDuty's Events API v2: trigger, or resolve; the fingerprint is the dedup_key. Holds the routing key.
[[nodiscard]] std::string to_pagerduty_json(const Message& message, std::string_view routing_key);

// GitHub's REST API, version 2022-11-28: a new issue, with the label by which it is found again; a comment on it.
[[nodiscard]] std::string github_label(const Message& message);  // "autotune-" and the fingerprint
[[nodiscard]] std::string to_github_issue_json(const Message& message);
[[nodiscard]] std::string to_github_comment_json(const Message& message);

}  // namespace autotune::exporters
