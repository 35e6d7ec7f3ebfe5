// What each service is sent, by its own description; secrets stay where they are.
#include "exporters/notification_target.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <nlohmann/json.hpp>

#include "exporters/message_forms.hpp"
#include "tests/net/running_server.hpp"

namespace autotune::exporters {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

Message message(bool resolved = false) {
    Message m;
    m.severity = Severity::critical;
    m.resolved = resolved;
    m.function = {"aws-lambda", "orders"};
    m.rule = "out-of-memory";
    m.title = "orders: ran out of memory <!channel> & so on";
    m.at = WallTime(std::chrono::seconds(1'790'000'000));
    m.facts = {{"fn.oom_count", "3"}};
    m.suggestion = "map-reduce";
    return m;
}

// Keeps what it got; answers by what is asked.
class Service {
public:
    std::vector<std::string> asked;  // "POST /path"
    std::vector<json> bodies;
    std::vector<std::string> tokens;
    std::string issues = "[]";
    int failing = 0;  // so many PATCHes are answered 502
    [[nodiscard]] std::string base() const { return server_.base(); }

private:
    void take(const net::HttpRequest& request, net::Responder responder) {
        asked.push_back(request.method + " " + request.target);
        bodies.push_back(request.body.empty() ? json() : json::parse(request.body));
        tokens.push_back(std::string(request.headers.get("Authorization")));
        const bool lists = request.method == "GET";
        const bool closes = request.method == "PATCH";
        responder.send({.status = closes && failing-- > 0 ? 502 : lists || closes ? 200 : 201, .headers = {}, .body = lists ? issues : "{}"});
    }
    net::RunningServer server_{
        [this](net::HttpRequest request, net::Responder responder) { take(request, std::move(responder)); }};
};

class Targets : public testing::Test {
protected:
    void TearDown() override { std::filesystem::remove(secret_); }
    std::string secret(const std::string& text) {
        std::ofstream(secret_) << text << "\n";
        return secret_;
    }
    void told(const std::string& target, const Message& m = message()) {
        const auto parsed = parse_target(target);
        ASSERT_TRUE(parsed) << parsed.error().message;
        net::HttpClient client;
        Progress progress;
        const auto answer = deliver(client, *parsed, m, progress);
        ASSERT_TRUE(answer) << answer.error().message;
        ASSERT_LT(answer->status, 300);
    }
    Service service_;
    const std::string secret_ = testing::TempDir() + "autotune-secret-" + std::to_string(getpid());
};

TEST_F(Targets, AlertmanagerIsToldByItsApi) {
    told("alertmanager=" + service_.base() + "/am/");
    EXPECT_THAT(service_.asked, ElementsAre("POST /am/api/v2/alerts"));
    const json& alert = service_.bodies[0][0];
    EXPECT_EQ(alert["labels"]["alertname"], "out-of-memory");
    EXPECT_EQ(alert["labels"]["function"], "orders");
    EXPECT_EQ(alert["annotations"]["fact_fn_oom_count"], "3") << "a name that Alertmanager takes";
    EXPECT_FALSE(alert.contains("endsAt"));
    told("alertmanager=" + service_.base(), message(true));
    EXPECT_TRUE(service_.bodies[1][0].contains("endsAt"));
    EXPECT_EQ(service_.bodies[1][0]["labels"], alert["labels"]) << "or it would not be resolved";
}

TEST_F(Targets, SlackCannotBeMadeToCallEverybody) {
    told("slack=" + secret(service_.base() + "/services/T0/B0/secret"));
    EXPECT_THAT(service_.asked, ElementsAre("POST /services/T0/B0/secret"));
    EXPECT_THAT(service_.bodies[0].dump(), Not(HasSubstr("<!channel>")));
    EXPECT_THAT(service_.bodies[0]["text"], HasSubstr("&lt;!channel&gt; &amp; so on"));
    EXPECT_THAT(service_.bodies[0]["blocks"][1]["text"]["text"], HasSubstr("fn.oom_count = 3"));
}

TEST_F(Targets, PagerDutyIsTriggeredAndResolvedByOneKey) {
    const std::string target = "pagerduty=" + secret("routing-key") + "@" + service_.base();
    told(target);
    told(target, message(true));
    EXPECT_THAT(service_.asked, ElementsAre("POST /v2/enqueue", "POST /v2/enqueue"));
    const json &trigger = service_.bodies[0], &resolve = service_.bodies[1];
    EXPECT_EQ(trigger["event_action"], "trigger");
    EXPECT_EQ(trigger["routing_key"], "routing-key");
    EXPECT_EQ(trigger["payload"]["severity"], "critical");
    EXPECT_EQ(resolve["event_action"], "resolve");
    EXPECT_EQ(resolve["dedup_key"], trigger["dedup_key"]);
}

TEST_F(Targets, GithubHasOneIssueAnAlert) {
    const std::string target = "github=acme/shop," + secret("token-1") + "@" + service_.base();
    told(target);
    const std::string label = github_label(message());
    EXPECT_THAT(service_.asked, ElementsAre("GET /repos/acme/shop/issues?state=open&per_page=1&labels=" + label, "POST /repos/acme/shop/issues"));
    EXPECT_THAT(service_.tokens, testing::Each("Bearer token-1"));
    EXPECT_EQ(service_.bodies[1]["labels"], (json{"autotune", label}));
    EXPECT_THAT(service_.bodies[1]["body"], HasSubstr("fn.oom_count = 3"));
    service_.asked.clear();
    service_.issues = R"([{"number":7,"title":"x"}])";
    told(target);
    told(target, message(true));
    EXPECT_THAT(service_.asked, ElementsAre(HasSubstr("GET "), "POST /repos/acme/shop/issues/7/comments", HasSubstr("GET "),
                                            "POST /repos/acme/shop/issues/7/comments", "PATCH /repos/acme/shop/issues/7"));
    service_.asked.clear();
    service_.issues = "[]";
    told(target, message(true));  // nobody was told that it began
    EXPECT_EQ(service_.asked.size(), 1u);
}

TEST_F(Targets, GithubIsNotToldTwiceWhenTheClosingHasToBeTriedAgain) {
    service_.issues = R"([{"number":7}])";
    service_.failing = 1;
    const auto target = parse_target("github=acme/shop," + secret("token-1") + "@" + service_.base());
    ASSERT_TRUE(target);
    net::HttpClient client;
    Progress progress;
    EXPECT_EQ(deliver(client, *target, message(true), progress)->status, 502);
    EXPECT_EQ(deliver(client, *target, message(true), progress)->status, 200);
    EXPECT_EQ(std::ranges::count(service_.asked, "POST /repos/acme/shop/issues/7/comments"), 1);
    EXPECT_EQ(service_.asked.back(), "PATCH /repos/acme/shop/issues/7");
}

TEST_F(Targets, ATextCannotEndItsFence) {
    Message m = message();
    m.title = "``` out";
    EXPECT_THAT(json::parse(to_github_issue_json(m))["body"].get<std::string>(), testing::StartsWith("````\n"));
}

TEST_F(Targets, MistakesAreToldWithoutTheSecret) {
    for (const char* wrong : {"", "slack", "slack=", "mail=a@b", "webhook=ftp://x", "github=acme,/dev/null", "github=/x,/dev/null",
                              "github=a/b/c,/dev/null", "pagerduty=/nowhere", "slack=/dev/null"})
        EXPECT_FALSE(parse_target(wrong)) << wrong;
    const auto slack = parse_target("slack=" + secret("hooks.slack.com/T0/secret"));  // the scheme is missing
    ASSERT_FALSE(slack);
    EXPECT_THAT(slack.error().message, Not(HasSubstr("T0")));
    const auto shown = parse_target("slack=" + secret("https://hooks.slack.com/T0/secret"));
    ASSERT_TRUE(shown);
    EXPECT_EQ(shown->shown(), "slack at https://hooks.slack.com");
    const auto away = parse_target("slack=" + secret("http://127.0.0.1:1/T0/secret"));
    net::HttpClient client;
    Progress progress;
    const auto answer = deliver(client, *away, message(), progress);
    ASSERT_FALSE(answer);
    EXPECT_THAT(answer.error().message, Not(HasSubstr("secret")));
}

TEST_F(Targets, AnAddressWithoutAPathIsToldToo) {
    const auto target = parse_target("slack=" + secret("http://127.0.0.1:1"));
    ASSERT_TRUE(target);
    net::HttpClient client;
    Progress progress;
    EXPECT_FALSE(deliver(client, *target, message(), progress));
}

}  // namespace
}  // namespace autotune::exporters
