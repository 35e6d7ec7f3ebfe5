// The whole of what people are told, in each target's form: what and since when, impact, confidence, evidence, one thing to do
// with what to expect of it, what was done and refused by which rule, the way back, what is not known. Golden: real texts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "exporters/message.hpp"
#include "exporters/message_forms.hpp"
#include "tests/exporters/builders.hpp"

namespace autotune::exporters {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

const TwoClocks kClocks{from_ns(100'000'000'000), at_second(0)};

Evidence evidence() {
    Evidence e;
    e.facts = {{"fn.oom_count", "37"}, {"fn.invocations", "412"}};
    e.from = from_ns(1'000'000'000);
    e.to = from_ns(901'000'000'000);
    e.wall_to = at_second(0);
    e.kill_time = from_ns(900'000'000'000);
    e.culprit = "handler.py:12 in handler";
    e.black_box = "8f2c";
    e.hottest_frame = "json.loads";
    e.flame_graph = "flames/orders.svg";
    e.impact = Impact{.watched = std::chrono::seconds(900),
                      .invocations = 412,
                      .failed = 37,
                      .slow = 4,
                      .slow_over = std::chrono::milliseconds(300),
                      .gb_seconds = 9.25,
                      .gb_seconds_error = 3.1,
                      .usd_a_day = 0.0155,
                      .usd_a_day_error = 0.0052,
                      .tariff = "AWS Lambda, x86, US East (N. Virginia), prices of 2025-08-01"};
    e.confidence = {"high", "412 invocations, of which 37 failed (8.98 %; 95 %: 6.58 % to 12.1 %); 35 of 37 kills have a black box"};
    e.missing = {"an event that was lost", "who calls it"};
    return e;
}

Message symptom() {
    Action action = notify_action();
    action.evidence = evidence();
    action.next = "autotune apply orders --rules rules.yaml";
    action.predicted = "each invocation gets a part of the list";
    action.risk = "10 % of the calls go to the new version, for at most 2 h";
    action.refused = {"resize 128 MB → 256 MB by rule slow: in its cooldown of 6h after its last action"};
    action.runbook = "https://example.org/oom?token=abc";
    return message_of(outcome_of(action, Disposition::notified), kClocks).value();
}

Message promoted() {
    Action action = resize_action();
    action.evidence = evidence();
    action.predicted = "no invocation out of memory with 256 MB";
    action.risk = "10 % of the calls go to the new version, for at most 2 h";
    Outcome outcome = outcome_of(action, Disposition::promoted);
    outcome.candidate = "7";
    outcome.change = 12;
    outcome.judged = JudgeReport{.pairs = 41,
                                 .canary_calls = 41,
                                 .baseline_calls = 60,
                                 .baseline_failures = 12,
                                 .baseline_p95 = std::chrono::milliseconds(210),
                                 .canary_p95 = std::chrono::milliseconds(190),
                                 .reason = "both E values reached 20"};
    return message_of(outcome, kClocks).value();
}

const std::string kSymptom =
    "[critical] orders: 3 of 20 invocations ran out of memory\n"
    "  since     2026-09-21T13:58:20.000Z\n"
    "  impact    about 3936 requests a day; 0.0155 ± 0.0052 USD a day (95 %): of 412 invocations in 900 s 37 failed, 4 took longer "
    "than 0.3 s, which wasted 9.25 ± 3.1 GB-s; AWS Lambda, x86, US East (N. Virginia), prices of 2025-08-01, first tier, nothing free\n"
    "  sure      high: 412 invocations, of which 37 failed (8.98 %; 95 %: 6.58 % to 12.1 %); 35 of 37 kills have a black box\n"
    "  evidence  fn.oom_count = 37\n"
    "            fn.invocations = 412\n"
    "            killed at 2026-09-21T14:13:19.000Z\n"
    "            it was at handler.py:12 in handler\n"
    "            black box: autotune profile --black-box 8f2c\n"
    "            hottest frame: json.loads\n"
    "            flame graph: flames/orders.svg\n"
    "  consider  split the input and process the parts in invocations of their own (map-reduce)\n"
    "  do        autotune apply orders --rules rules.yaml\n"
    "  expect    each invocation gets a part of the list\n"
    "  risk      10 % of the calls go to the new version, for at most 2 h\n"
    "  done      nothing was changed: this rule only tells\n"
    "  rule      out-of-memory\n"
    "  refused   resize 128 MB → 256 MB by rule slow: in its cooldown of 6h after its last action\n"
    "  unknown   an event that was lost\n"
    "            who calls it\n"
    "  runbook   https://example.org/oom?token=…\n"
    "\n";

TEST(Constructive, ASymptomIsToldWhole) { EXPECT_EQ(to_text(symptom()), kSymptom); }

TEST(Constructive, AChangeThatStandsNamesTheWayBackAndWhatKeepsIt) {
    const Message m = promoted();
    const std::string text = to_text(m);
    EXPECT_THAT(text, HasSubstr("  do        autotune explain 12 --patch . | git apply"));
    EXPECT_THAT(text, HasSubstr("  expect    no invocation out of memory with 256 MB\n"));
    EXPECT_THAT(text, HasSubstr("  undo      autotune rollback 12\n"));
    EXPECT_THAT(text, HasSubstr("41 pairs of calls compared; the new version failed 0 of 41, the old one 12 of 60; p95 190.0 ms against 210.0 ms"));
    EXPECT_THAT(text, HasSubstr("  unknown   an event that was lost\n"));
}

TEST(Constructive, AChangeThatIsGoneHasNoWayBack) {
    for (const auto how : {Disposition::rolled_back, Disposition::reverted, Disposition::failed}) {
        Outcome outcome = outcome_of(resize_action(), how);
        outcome.change = 12;
        const Message m = message_of(outcome, kClocks).value();
        EXPECT_EQ(m.rollback, "");
        EXPECT_EQ(m.next, "autotune explain 12");
    }
    Outcome waits = outcome_of(resize_action(), Disposition::waiting);
    waits.change = 12;
    EXPECT_EQ(message_of(waits, kClocks)->next, "autotune approve 12");
    EXPECT_EQ(message_of(waits, kClocks)->rollback, "autotune rollback 12");
}

// The text is in each of them, and what machines look for is in fields of its own.
TEST(Constructive, EveryTargetIsToldAllOfIt) {
    const Message m = symptom();
    const json webhook = json::parse(to_webhook_json(m, "r"))["alerts"][0]["annotations"];
    const json alertmanager = json::parse(to_alertmanager_json(m))[0]["annotations"];
    const json pagerduty = json::parse(to_pagerduty_json(m, "key"))["payload"]["custom_details"];
    for (const json& told : {webhook, alertmanager, pagerduty}) {
        EXPECT_EQ(told["description"], kSymptom);
        EXPECT_THAT(told["impact"].get<std::string>(), HasSubstr("USD a day"));
        EXPECT_THAT(told["confidence"].get<std::string>(), HasSubstr("high: 412 invocations"));
        EXPECT_EQ(told["action"], "autotune apply orders --rules rules.yaml");
        EXPECT_EQ(told["predicted"], "each invocation gets a part of the list");
        EXPECT_THAT(told["risk"].get<std::string>(), HasSubstr("10 % of the calls"));
        EXPECT_THAT(told["refused"].get<std::string>(), HasSubstr("by rule slow"));
        EXPECT_EQ(told["missing"], "an event that was lost\nwho calls it");
        EXPECT_FALSE(told.contains("rollback"));
    }
    EXPECT_EQ(json::parse(to_webhook_json(promoted(), "r"))["alerts"][0]["annotations"]["rollback"], "autotune rollback 12");
    EXPECT_EQ(json::parse(to_slack_json(m))["blocks"][1]["text"]["text"], "```" + kSymptom + "```");
    EXPECT_THAT(json::parse(to_github_issue_json(m))["body"].get<std::string>(), HasSubstr(kSymptom));
    EXPECT_THAT(json::parse(to_github_comment_json(m))["body"].get<std::string>(), HasSubstr(kSymptom));
}

TEST(Constructive, NoTargetIsToldASecret) {
    Action action = notify_action();
    action.because = "calling postgres://app:hunter2@db failed";
    action.evidence.facts = {{"dep.name", "https://x/?X-Amz-Signature=hunter2"}};
    action.refused = {"cache by rule r: Authorization: Bearer hunter2hunter2"};
    Outcome outcome = outcome_of(action, Disposition::failed);
    outcome.detail = "PUT https://b/?X-Amz-Security-Token=hunter2";
    const Message m = message_of(outcome, kClocks).value();
    for (const std::string& told : {to_text(m), to_webhook_json(m, "r"), to_alertmanager_json(m), to_slack_json(m),
                                    to_pagerduty_json(m, "key"), to_github_issue_json(m), to_github_comment_json(m)})
        EXPECT_THAT(told, Not(HasSubstr("hunter2")));
}

}  // namespace
}  // namespace autotune::exporters
