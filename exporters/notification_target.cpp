#include "exporters/notification_target.hpp"

#include <array>
#include <cctype>
#include <fstream>
#include <nlohmann/json.hpp>
#include <utility>

#include "exporters/message_forms.hpp"
#include "net/url.hpp"

namespace autotune::exporters {
namespace {

constexpr std::array<std::string_view, 5> kKinds{"webhook", "alertmanager", "slack", "pagerduty", "github"};
constexpr std::size_t kLongestSecret = 4096;
constexpr const char* kForms =
    "webhook=URL, alertmanager=URL, slack=FILE, pagerduty=FILE, github=OWNER/REPO,FILE";

// The first line of a file. Errors name the file, never what is in it.
Result<std::string> secret_in(const std::string& file) {
    std::ifstream in(file);
    std::string text;
    if (!in || !std::getline(in, text))
        return fail(Errc::not_found, "the secret's file " + file + " cannot be read, or is empty");
    while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) text.pop_back();
    if (text.empty() || text.size() > kLongestSecret)
        return fail(Errc::invalid_argument, "the first line of " + file + " is no secret");
    return text;
}

// Into base and path. `what` stands for it in errors.
Status set_url(NotificationTarget& target, const std::string& url, const std::string& what) {
    const auto parsed = net::parse_url(url);
    if (!parsed || (parsed->scheme != "http" && parsed->scheme != "https"))
        return fail(Errc::invalid_argument, what + " is no http:// or https:// URL");
    const std::size_t path = std::min(url.find_first_of("/?", url.find("://") + 3), url.size());
    target.base = url.substr(0, path);
    target.path = parsed->path + (parsed->query.empty() ? "" : "?" + parsed->query);
    return ok();
}

std::string without_slash(std::string path) {
    while (path.ends_with('/')) path.pop_back();
    return path;
}

Result<net::HttpResponse> post(net::HttpClient& client, const NotificationTarget& target, std::string path, std::string body) {
    return client.send(target.base, {.method = "POST",
                                     .target = std::move(path),
                                     .headers = {{"Content-Type", "application/json"}},
                                     .body = std::move(body)});
}

net::HttpRequest github(const NotificationTarget& target, std::string method, const std::string& path, std::string body = {}) {
    return {.method = std::move(method),
            .target = target.path + path,
            .headers = {{"Accept", "application/vnd.github+json"},
                        {"Authorization", "Bearer " + target.secret},
                        {"Content-Type", "application/json"},
                        {"X-GitHub-Api-Version", "2022-11-28"}},
            .body = std::move(body)};
}

// The open issue of that alert, 0: none.
Result<std::int64_t> open_issue(const net::HttpResponse& found) {
    const auto list = nlohmann::json::parse(found.body, nullptr, false);
    if (!list.is_array()) return fail(Errc::unavailable, "github: the list of issues is not JSON");
    for (const auto& issue : list)
        if (issue.is_object() && issue.contains("number") && issue["number"].is_number_integer())
            return issue["number"].get<std::int64_t>();
    return 0;
}

// One issue a fingerprint: made once, commented on, closed when resolved. A resolution that nobody opened an issue for is
// no news.
Result<net::HttpResponse> tell_github(net::HttpClient& client, const NotificationTarget& target, const Message& message,
                                     Progress& progress) {
    auto found = client.send(target.base, github(target, "GET", "/issues?state=open&per_page=1&labels=" + github_label(message)));
    if (!found || found->status != 200) return found;
    const auto issue = open_issue(*found);
    if (!issue) return issue.forward();
    if (*issue == 0) {
        if (message.resolved) return found;
        return client.send(target.base, github(target, "POST", "/issues", to_github_issue_json(message)));
    }
    const std::string path = "/issues/" + std::to_string(*issue);
    if (!progress.commented) {
        auto answer = client.send(target.base, github(target, "POST", path + "/comments", to_github_comment_json(message)));
        progress.commented = answer && answer->status == 201;
        if (!progress.commented || !message.resolved) return answer;
    }
    return client.send(target.base, github(target, "PATCH", path, R"({"state":"closed","state_reason":"completed"})"));
}

}  // namespace

std::string_view to_string(TargetKind kind) { return kKinds[static_cast<std::size_t>(kind)]; }

std::string NotificationTarget::shown() const { return std::string(to_string(kind)) + " at " + base; }

Result<NotificationTarget> parse_target(std::string_view text) {
    const std::size_t equals = text.find('=');
    const std::string_view kind = text.substr(0, equals);
    std::string rest(equals == std::string_view::npos ? "" : text.substr(equals + 1));
    NotificationTarget target;
    std::size_t at = 0;
    while (at < kKinds.size() && kKinds[at] != kind) ++at;
    if (at == kKinds.size() || rest.empty())
        return fail(Errc::invalid_argument, "\"" + std::string(kind) + "\" is no target of notifications: " + kForms);
    target.kind = static_cast<TargetKind>(at);
    const std::string name(kind);
    if (target.kind == TargetKind::webhook || target.kind == TargetKind::alertmanager) {
        if (Status s = set_url(target, rest, name + ": " + rest); !s) return s.forward();
        if (target.kind == TargetKind::alertmanager) target.path = without_slash(target.path) + "/api/v2/alerts";
        return target;
    }
    std::string url;
    if (const std::size_t mark = rest.find("@http"); mark != std::string::npos && target.kind != TargetKind::slack) {
        url = rest.substr(mark + 1);
        rest.resize(mark);
    }
    std::string repository;
    if (target.kind == TargetKind::github) {
        const std::size_t comma = rest.find(',');
        repository = rest.substr(0, comma);
        const std::size_t slash = repository.find('/');
        if (comma == std::string::npos || slash == 0 || slash == std::string::npos || slash + 1 == repository.size() ||
            repository.find('/', slash + 1) != std::string::npos)
            return fail(Errc::invalid_argument, "github: write OWNER/REPO,FILE");
        rest = rest.substr(comma + 1);
    }
    auto secret = secret_in(rest);
    if (!secret) return secret.forward(name);
    if (target.kind == TargetKind::slack) {
        if (Status s = set_url(target, *secret, name + ": what is in " + rest); !s) return s.forward();
        return target;
    }
    if (url.empty()) url = target.kind == TargetKind::github ? "https://api.github.com" : "https://events.pagerduty.com";
    if (Status s = set_url(target, url, name + ": " + url); !s) return s.forward();
    target.path = without_slash(target.path) + (target.kind == TargetKind::github ? "/repos/" + repository : "/v2/enqueue");
    target.secret = *std::move(secret);
    return target;
}

namespace {
Result<net::HttpResponse> tell(net::HttpClient& client, const NotificationTarget& target, const Message& message, Progress& progress) {
    switch (target.kind) {
        case TargetKind::webhook: return post(client, target, target.path, to_webhook_json(message, target.receiver));
        case TargetKind::alertmanager: return post(client, target, target.path, to_alertmanager_json(message));
        case TargetKind::slack: return post(client, target, target.path, to_slack_json(message));
        case TargetKind::pagerduty: return post(client, target, target.path, to_pagerduty_json(message, target.secret));
        case TargetKind::github: return tell_github(client, target, message, progress);
    }
    return fail(Errc::internal, "no such target");
}
}  // namespace

// The client's errors name the whole URL, which may be the secret itself.
Result<net::HttpResponse> deliver(net::HttpClient& client, const NotificationTarget& target, const Message& message, Progress& progress) {
    auto answer = tell(client, target, message, progress);
    if (answer || target.kind != TargetKind::slack) return answer;
    std::string why = answer.error().message;
    const std::string_view hidden = "/…";  // begins as paths do: it must not be found again
    if (target.path.size() > 1)
        for (std::size_t at = why.find(target.path); at != std::string::npos; at = why.find(target.path, at + hidden.size()))
            why.replace(at, target.path.size(), hidden);
    return fail(answer.error().code, why);
}

}  // namespace autotune::exporters
