#include "exporters/message_forms.hpp"

#include <cctype>
#include <nlohmann/json.hpp>

#include "exporters/message_labels.hpp"

namespace autotune::exporters {
namespace {

using nlohmann::json;

// The limits of the services, in bytes.
constexpr std::size_t kSlackBlock = 2900, kPagerDutySummary = 1024, kGithubBody = 60'000, kGithubTitle = 250;

std::string dumped(const json& body) { return body.dump(-1, ' ', false, json::error_handler_t::replace); }

// At most so many bytes, cut between characters.
std::string cut(std::string text, std::size_t most) {
    if (text.size() <= most) return text;
    std::size_t end = most - 3;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
    return text.substr(0, end) + "…";
}

std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '&') out += "&amp;";
        else if (c == '<') out += "&lt;";
        else if (c == '>') out += "&gt;";
        else out += c;
    }
    return out;
}

// Alertmanager takes names of letters, digits and underscores only: "fact:fn.p95" is fact_fn_p95.
std::map<std::string, std::string> with_plain_names(const std::map<std::string, std::string>& texts) {
    std::map<std::string, std::string> out;
    for (const auto& [name, value] : texts) {
        std::string plain = name;
        for (char& c : plain)
            if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
        out[plain] = value;
    }
    return out;
}

// In a fence that the text itself cannot close.
std::string fenced(const std::string& text) {
    std::string fence = "```";
    while (text.find(fence) != std::string::npos) fence += '`';
    return fence + "\n" + text + fence + "\n";
}

}  // namespace

std::string to_alertmanager_json(const Message& m) {
    json alert = {{"labels", labels_of(m)}, {"annotations", with_plain_names(annotations_of(m))}, {"startsAt", to_rfc3339(m.since.value_or(m.at))}};
    if (m.resolved) alert["endsAt"] = to_rfc3339(m.at);
    return dumped(json::array({alert}));
}

std::string to_slack_json(const Message& m) {
    const std::string title = escaped(m.title);
    const std::string text = cut(escaped(to_text(m)), kSlackBlock);
    return dumped({{"text", cut("[" + std::string(to_string(m.severity)) + "] " + title, kSlackBlock)},
                   {"blocks",
                    {{{"type", "section"}, {"text", {{"type", "mrkdwn"}, {"text", "*" + cut(title, kSlackBlock / 2) + "*"}}}},
                     {{"type", "section"}, {"text", {{"type", "mrkdwn"}, {"text", "```" + text + "```"}}}}}}});
}

std::string to_pagerduty_json(const Message& m, std::string_view routing_key) {
    json body = {{"routing_key", std::string(routing_key)},
                 {"event_action", m.resolved ? "resolve" : "trigger"},
                 {"dedup_key", fingerprint(m)}};
    if (!m.resolved) {
        body["client"] = "autotune";
        body["payload"] = {{"summary", cut(m.title, kPagerDutySummary)},
                           {"source", m.function.provider + "/" + m.function.name},
                           {"severity", std::string(to_string(m.severity))},
                           {"timestamp", to_rfc3339(m.at)},
                           {"component", m.function.name},
                           {"class", m.rule},
                           {"custom_details", annotations_of(m)}};
    }
    return dumped(body);
}

std::string github_label(const Message& m) { return "autotune-" + fingerprint(m); }

std::string to_github_issue_json(const Message& m) {
    return dumped({{"title", cut(m.title, kGithubTitle)},
                   {"body", fenced(cut(to_text(m), kGithubBody)) +
                                "\nWritten by autotune; what changes is added as comments, and it is closed once its remedy is proved.\n"},
                   {"labels", {"autotune", github_label(m)}}});
}

std::string to_github_comment_json(const Message& m) { return dumped({{"body", fenced(cut(to_text(m), kGithubBody))}}); }

}  // namespace autotune::exporters
