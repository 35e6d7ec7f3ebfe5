#include "exporters/message.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/exporters/builders.hpp"

namespace autotune::exporters {
namespace {

using testing::HasSubstr;
using testing::Not;

// Monotonic 100 s is the wall's second 0.
const TwoClocks kClocks{from_ns(100'000'000'000), at_second(0)};

Outcome promoted() {
    Outcome outcome = outcome_of(resize_action(), Disposition::promoted);
    outcome.candidate = "7";
    outcome.judged = JudgeReport{.pairs = 41,
                                 .canary_calls = 41,
                                 .canary_failures = 0,
                                 .baseline_calls = 60,
                                 .baseline_failures = 12,
                                 .baseline_p95 = std::chrono::milliseconds(210),
                                 .canary_p95 = std::chrono::milliseconds(190),
                                 .reason = "both E values reached 20"};
    return outcome;
}

TEST(Message, SaysNothingOfWhatIsNotDone) {
    for (const auto d : {Disposition::planned, Disposition::refused, Disposition::in_progress})
        EXPECT_FALSE(message_of(outcome_of(resize_action(), d), kClocks));
    for (const auto d : {Disposition::notified, Disposition::promoted, Disposition::rolled_back,
                         Disposition::reverted, Disposition::failed})
        EXPECT_TRUE(message_of(outcome_of(resize_action(), d), kClocks));
}

TEST(Message, OfAChangeThatWaitsNamesTheCommandThatApprovesIt) {
    Outcome waits = outcome_of(resize_action(), Disposition::waiting);
    waits.detail = "autotune approve 12, until 2026-11-27T08:00:00Z";
    const auto message = message_of(waits, kClocks).value();
    EXPECT_EQ(message.severity, Severity::warning);
    EXPECT_FALSE(message.resolved);
    EXPECT_EQ(message.title, "orders: resize 128 MB → 256 MB waits for an approval");
    EXPECT_EQ(
        message.done,
        "resize 128 MB → 256 MB waits for an approval; nothing was changed yet — autotune approve 12, until "
        "2026-11-27T08:00:00Z");
}

TEST(Message, OfASymptomReadsAsAdviceWithEvidence) {
    Action action = notify_action();
    action.evidence.kill_time = from_ns(70'500'000'000);
    action.evidence.hottest_frame = "json.loads";
    action.evidence.flame_graph = "state/orders.svg";
    action.runbook = "https://example.org/oom";
    const auto message = message_of(outcome_of(action, Disposition::notified), kClocks).value();
    EXPECT_EQ(
        to_text(message),
        "[critical] orders: 3 of 20 invocations ran out of memory\n"
        "  since     " +
            to_rfc3339(at_second(-99)) +
            "\n"
            "  evidence  fn.oom_count = 3\n"
            "            fn.invocations = 20\n"
            "            killed at " +
            to_rfc3339(at_second(-30) + std::chrono::milliseconds(500)) +
            "\n"
            "            hottest frame: json.loads\n"
            "            flame graph: state/orders.svg\n"
            "  consider  split the input and process the parts in invocations of their own (map-reduce)\n"
            "  done      nothing was changed: this rule only tells\n"
            "  rule      out-of-memory\n"
            "  runbook   https://example.org/oom\n"
            "\n");
}

TEST(Message, TellsTheTimeOfEvidenceFromBeforeAReboot) {
    Action action = notify_action();
    action.evidence.to = from_ns(9'000'000'000'000'000);  // another boot's clock
    action.evidence.wall_to = at_second(-3600);
    action.evidence.kill_time = action.evidence.to - std::chrono::seconds(5);
    const auto message = message_of(outcome_of(action, Disposition::notified), kClocks).value();
    EXPECT_EQ(message.kill_time, at_second(-3605));
}

TEST(Message, LeavesOutWhatIsNotKnown) {
    Action action = notify_action();
    action.evidence = {};
    action.change = Notify{};
    const auto text = to_text(message_of(outcome_of(action, Disposition::notified), kClocks).value());
    for (const char* label : {"since", "evidence", "consider", "runbook"})
        EXPECT_THAT(text, Not(HasSubstr(label)));
}

TEST(Message, PassesARemedyOnThatItDoesNotKnow) {
    Action action = notify_action();
    action.change = Notify{Severity::info, "use a bigger boat"};
    EXPECT_EQ(message_of(outcome_of(action, Disposition::notified), kClocks)->suggestion,
              "use a bigger boat");
}

TEST(Message, OfAPromotedChangeTellsTheProof) {
    const auto message = message_of(promoted(), kClocks).value();
    EXPECT_EQ(message.severity, Severity::info);
    EXPECT_TRUE(message.resolved);
    EXPECT_EQ(message.title, "orders: resize 128 MB → 256 MB was proved and promoted");
    EXPECT_EQ(
        message.done,
        "resize 128 MB → 256 MB (version 7) now serves all calls: 41 pairs of calls compared; the new "
        "version "
        "failed 0 of 41, the old one 12 of 60; p95 190.0 ms against 210.0 ms; both E values reached 20");
    EXPECT_THAT(to_text(message), HasSubstr("  because   3 of 20 invocations ran out of memory\n"));
}

TEST(Message, OfAnUndoneChangeSaysWhatServesAndWhatToTry) {
    const auto back = message_of(outcome_of(resize_action(), Disposition::rolled_back), kClocks).value();
    EXPECT_EQ(back.severity, Severity::warning);
    EXPECT_FALSE(back.resolved);
    EXPECT_THAT(back.done, HasSubstr("did harm and was rolled back; the old version serves"));
    const auto reverted = message_of(outcome_of(resize_action(), Disposition::reverted), kClocks).value();
    EXPECT_THAT(reverted.suggestion, HasSubstr("wider margins"));
    Action warm = resize_action();
    warm.change = KeepWarm{.alias = "live", .from = {}, .to = 3, .before = {}};
    EXPECT_EQ(message_of(outcome_of(warm, Disposition::reverted), kClocks).value().suggestion,
              "send it more traffic, or give it a longer horizon") << "of no version, so without margins";
    Outcome failed = outcome_of(resize_action(), Disposition::failed);
    failed.detail = "409 ResourceConflictException";
    const auto told = message_of(failed, kClocks).value();
    EXPECT_EQ(told.severity, Severity::critical);
    EXPECT_THAT(told.done, HasSubstr("409 ResourceConflictException"));
}

TEST(WebhookJson, HasTheShapeOfAlertmanagersWebhookVersion4) {
    Action action = notify_action();
    action.runbook = "https://example.org/oom";
    const auto message = message_of(outcome_of(action, Disposition::notified), kClocks).value();
    const auto body = nlohmann::json::parse(to_webhook_json(message, "team-a"));
    for (const char* key : {"version", "groupKey", "truncatedAlerts", "status", "receiver", "groupLabels",
                            "commonLabels", "commonAnnotations", "externalURL", "alerts"})
        EXPECT_TRUE(body.contains(key)) << key;
    EXPECT_EQ(body["version"], "4");
    EXPECT_EQ(body["status"], "firing");
    EXPECT_EQ(body["receiver"], "team-a");
    ASSERT_EQ(body["alerts"].size(), 1u);
    const auto& alert = body["alerts"][0];
    EXPECT_EQ(alert["status"], "firing");
    EXPECT_EQ(alert["labels"]["alertname"], "out-of-memory");
    EXPECT_EQ(alert["labels"]["function"], "orders");
    EXPECT_EQ(alert["labels"]["severity"], "critical");
    EXPECT_EQ(alert["annotations"]["summary"], "orders: 3 of 20 invocations ran out of memory");
    EXPECT_EQ(alert["annotations"]["fact:fn.oom_count"], "3");
    EXPECT_EQ(alert["annotations"]["runbook_url"], "https://example.org/oom");
    EXPECT_EQ(alert["startsAt"], to_rfc3339(at_second(-99)));
    EXPECT_EQ(alert["endsAt"], "0001-01-01T00:00:00Z");
    EXPECT_EQ(alert["fingerprint"].get<std::string>().size(), 16u);
}

TEST(WebhookJson, APromotedChangeResolvesTheSymptomsAlert) {
    const auto symptom = nlohmann::json::parse(
        to_webhook_json(*message_of(outcome_of(notify_action(), Disposition::notified), kClocks), "r"));
    const auto change = nlohmann::json::parse(to_webhook_json(*message_of(promoted(), kClocks), "r"));
    EXPECT_EQ(change["status"], "resolved");
    EXPECT_EQ(change["alerts"][0]["endsAt"], to_rfc3339(at_second(0)));
    EXPECT_EQ(change["groupKey"], symptom["groupKey"]);
    EXPECT_EQ(change["alerts"][0]["fingerprint"], symptom["alerts"][0]["fingerprint"]);
}

TEST(WebhookJson, SurvivesNamesThatAreNotUtf8) {
    Action action = notify_action();
    action.target.name = "bad\xff";
    const auto message = message_of(outcome_of(action, Disposition::notified), kClocks).value();
    EXPECT_EQ(nlohmann::json::parse(to_webhook_json(message, "r"))["alerts"][0]["labels"]["function"],
              "bad\xEF\xBF\xBD");
}

}  // namespace
}  // namespace autotune::exporters
