#include "exporters/prometheus_sink.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <thread>

#include "tests/exporters/builders.hpp"

namespace autotune::exporters {
namespace {

using testing::HasSubstr;
using testing::Not;

// Value of the series written exactly so; nullopt when there is none.
std::optional<double> value_of(const std::string& text, const std::string& series) {
    const auto at = ("\n" + text).find("\n" + series + " ");
    if (at == std::string::npos) return std::nullopt;
    return std::stod(text.substr(at + series.size() + 1));
}

class PrometheusSinkTest : public testing::Test {
protected:
    void publish(std::vector<Invocation> invocations) {
        ASSERT_TRUE(sink_.publish({.at = now_, .invocations = invocations}));
    }
    std::optional<double> value(const std::string& series) { return value_of(sink_.render(), series); }

    WallTime now_ = at_second(0);
    PrometheusSink sink_{{.agent_version = "1.2.3", .max_functions = 3, .max_versions = 2}};
};

TEST_F(PrometheusSinkTest, CountsInvocationsByHowTheyEnded) {
    publish({InvocationBuilder(), InvocationBuilder(), InvocationBuilder().ended(InvocationStatus::timeout)});
    publish({InvocationBuilder().ended(InvocationStatus::out_of_memory),
             InvocationBuilder().ended(InvocationStatus::crash).cold()});
    EXPECT_EQ(value(R"(autotune_invocations_total{function="orders",status="ok",version="1"})"), 2);
    EXPECT_EQ(value(R"(autotune_invocations_total{function="orders",status="timeout",version="1"})"), 1);
    EXPECT_EQ(value(R"(autotune_timeouts_total{function="orders"})"), 1);
    EXPECT_EQ(value(R"(autotune_oom_kills_total{function="orders"})"), 1);
    EXPECT_EQ(value(R"(autotune_errors_total{function="orders"})"), 1);
    EXPECT_EQ(value(R"(autotune_cold_starts_total{function="orders"})"), 1);
}

TEST_F(PrometheusSinkTest, CountsHeldInvocationsNowhereElse) {
    Invocation held = InvocationBuilder().ended(InvocationStatus::timeout);
    held.held = true;
    publish({held, InvocationBuilder()});
    EXPECT_EQ(value(R"(autotune_invocations_held_total{function="orders"})"), 1);
    EXPECT_EQ(value(R"(autotune_timeouts_total{function="orders"})"), 0);
    EXPECT_EQ(value(R"(autotune_invocation_duration_seconds_count{function="orders",version="1"})"), 1);
}

TEST_F(PrometheusSinkTest, CountsWhatWasToldForThoseItStandsFor) {
    Invocation one = InvocationBuilder();
    one.duration = std::chrono::milliseconds(30);
    one.cpu = std::chrono::milliseconds(10);
    one.stands_for = 16;
    one.peers = {{.bytes_sent = 10}};
    publish({one, InvocationBuilder()});
    EXPECT_EQ(value(R"(autotune_invocations_total{function="orders",status="ok",version="1"})"), 17);
    EXPECT_EQ(value(R"(autotune_invocation_duration_seconds_count{function="orders",version="1"})"), 17);
    EXPECT_EQ(value(R"(autotune_invocation_duration_seconds_bucket{function="orders",version="1",le="0.025"})"), 0);
    EXPECT_GE(*value(R"(autotune_invocation_duration_seconds_bucket{function="orders",version="1",le="0.05"})"), 16);
    EXPECT_NEAR(*value(R"(autotune_cpu_seconds_total{function="orders"})"), 0.16, 0.011);
    EXPECT_EQ(value(R"(autotune_network_sent_bytes_total{function="orders"})"), 160);
}

TEST_F(PrometheusSinkTest, FailureCountersStandAtZeroBeforeTheFirstFailure) {
    publish({InvocationBuilder()});
    EXPECT_EQ(value(R"(autotune_timeouts_total{function="orders"})"), 0);
    EXPECT_EQ(value(R"(autotune_oom_kills_total{function="orders"})"), 0);
    EXPECT_EQ(value(R"(autotune_invocations_total{function="orders",status="oom",version="1"})"), 0);
    EXPECT_EQ(value(R"(autotune_events_lost_total{kind="ring_full"})"), 0);
}

TEST_F(PrometheusSinkTest, KnowsAFunctionFromItsFactsAlone) {
    const FunctionFacts facts{.function = {"aws-lambda", "idle"}};
    ASSERT_TRUE(sink_.publish({.at = now_, .facts = std::span(&facts, 1)}));
    EXPECT_EQ(value(R"(autotune_oom_kills_total{function="idle"})"), 0);
}

TEST_F(PrometheusSinkTest, PutsDurationsInBucketsOfSeconds) {
    publish({InvocationBuilder().took(std::chrono::milliseconds(100)),
             InvocationBuilder().took(std::chrono::milliseconds(101))});
    EXPECT_EQ(value(R"(autotune_invocation_duration_seconds_bucket{function="orders",version="1",le="0.1"})"),
              1);
    EXPECT_EQ(
        value(R"(autotune_invocation_duration_seconds_bucket{function="orders",version="1",le="0.25"})"), 2);
    EXPECT_EQ(value(R"(autotune_invocation_duration_seconds_count{function="orders",version="1"})"), 2);
    EXPECT_NEAR(*value(R"(autotune_invocation_duration_seconds_sum{function="orders",version="1"})"), 0.201,
                1e-9);
}

TEST_F(PrometheusSinkTest, ShowsTheHighestPeakOfTheLastFiveMinutes) {
    const std::string series = R"(autotune_memory_peak_bytes{function="orders",version="1"})";
    publish({InvocationBuilder().peaked_at(100), InvocationBuilder().peaked_at(90)});
    now_ = at_second(200);
    publish({InvocationBuilder().peaked_at(50)});
    EXPECT_EQ(value(series), 100);
    now_ = at_second(301);
    publish({});
    EXPECT_EQ(value(series), 50);
    now_ = at_second(10'000);
    publish({});
    EXPECT_EQ(value(series), 50) << "the last known stays";
    EXPECT_EQ(value(R"(autotune_memory_limit_bytes{function="orders",version="1"})"), 128 << 20);
}

TEST_F(PrometheusSinkTest, SaysNothingOfMemoryThatWasNotMeasured) {
    publish({InvocationBuilder().peaked_at(0)});
    EXPECT_THAT(sink_.render(), Not(HasSubstr("autotune_memory_peak_bytes{")));
}

TEST_F(PrometheusSinkTest, AddsUpCpuAndTraffic) {
    Invocation one = InvocationBuilder();
    one.cpu = std::chrono::milliseconds(250);
    one.peers = {{.bytes_sent = 10, .bytes_received = 20}, {.bytes_sent = 1, .bytes_received = 2}};
    publish({one, one});
    EXPECT_EQ(value(R"(autotune_cpu_seconds_total{function="orders"})"), 0.5);
    EXPECT_EQ(value(R"(autotune_network_sent_bytes_total{function="orders"})"), 22);
    EXPECT_EQ(value(R"(autotune_network_received_bytes_total{function="orders"})"), 44);
}

TEST_F(PrometheusSinkTest, FoldsFunctionsBeyondTheLimitAndCountsThem) {
    publish({InvocationBuilder().of("a"), InvocationBuilder().of("b"), InvocationBuilder().of("c"),
             InvocationBuilder().of("d", "7"), InvocationBuilder().of("e", "8"),
             InvocationBuilder().of("a")});
    EXPECT_EQ(value(R"(autotune_invocations_total{function="_other",status="ok",version="_other"})"), 2);
    EXPECT_EQ(value(R"(autotune_invocations_total{function="a",status="ok",version="1"})"), 2);
    EXPECT_EQ(value("autotune_names_folded_total"), 2);
    EXPECT_THAT(sink_.render(), Not(HasSubstr("function=\"d\"")));
}

TEST_F(PrometheusSinkTest, LongestUnusedVersionMakesRoomForANewOne) {
    publish({InvocationBuilder().of("orders", "1"), InvocationBuilder().of("orders", "2"),
             InvocationBuilder().of("orders", "1")});
    publish({InvocationBuilder().of("orders", "3")});
    const std::string text = sink_.render();
    EXPECT_THAT(text, Not(HasSubstr("version=\"2\"")));
    EXPECT_EQ(value_of(text, R"(autotune_invocations_total{function="orders",status="ok",version="1"})"), 2);
    EXPECT_EQ(value_of(text, R"(autotune_invocations_total{function="orders",status="ok",version="3"})"), 1);
    EXPECT_EQ(value_of(text, "autotune_versions_retired_total"), 1);
}

TEST_F(PrometheusSinkTest, KeepsNamesFromBreakingTheFormat) {
    publish({InvocationBuilder().of("a\"b\\c\nd\xff")});
    EXPECT_EQ(value(R"(autotune_oom_kills_total{function="a\"b\\c\nd?"})"), 0);
}

TEST_F(PrometheusSinkTest, CountsPlansAndRefusals) {
    const Plan plan{.actions = {resize_action(), notify_action()},
                    .refused = {{{"aws-lambda", "orders"}, "timeout", "cooldown"}}};
    ASSERT_TRUE(sink_.publish({.at = now_, .plan = &plan}));
    EXPECT_EQ(value(R"(autotune_plans_total{change="resize",function="orders",rule="out-of-memory"})"), 1);
    EXPECT_EQ(value(R"(autotune_plans_total{change="notify",function="orders",rule="out-of-memory"})"), 1);
    EXPECT_EQ(value(R"(autotune_refusals_total{function="orders",rule="timeout"})"), 1);
}

TEST_F(PrometheusSinkTest, OutcomesStandAtZeroFromThePlanOn) {
    const std::string promoted =
        R"(autotune_outcomes_total{disposition="promoted",function="orders",rule="out-of-memory"})";
    const Plan plan{.actions = {resize_action()}, .refused = {}};
    ASSERT_TRUE(sink_.publish({.at = now_, .plan = &plan}));
    EXPECT_EQ(value(promoted), 0);
    const Outcome outcome = outcome_of(resize_action(), Disposition::promoted);
    ASSERT_TRUE(sink_.publish({.at = now_, .outcomes = std::span(&outcome, 1)}));
    EXPECT_EQ(value(promoted), 1);
}

TEST_F(PrometheusSinkTest, ShowsACanaryWhileItLasts) {
    ChangeRecord change = observed_change();
    change.judged =
        JudgeReport{.pairs = 41, .log10_e_latency = 1.5, .log10_e_errors = 0.5, .log10_e_harm = -2};
    ASSERT_TRUE(sink_.publish({.at = now_, .changes = std::span(&change, 1)}));
    EXPECT_EQ(value(R"(autotune_changes_in_progress{function="orders",step="observing"})"), 1);
    EXPECT_EQ(value(R"(autotune_canary_held{function="orders"})"), 0);
    EXPECT_EQ(value(R"(autotune_canary_waiting_seconds{function="orders"})"), 60);
    EXPECT_EQ(value(R"(autotune_canary_weight{function="orders"})"), 0.1);
    EXPECT_EQ(value(R"(autotune_canary_pairs{function="orders"})"), 41);
    EXPECT_EQ(value(R"(autotune_canary_log10_e{function="orders",test="harm"})"), -2);

    ASSERT_TRUE(sink_.publish({.at = now_}));
    EXPECT_THAT(sink_.render(), Not(HasSubstr("autotune_canary_")));
    EXPECT_THAT(sink_.render(), Not(HasSubstr("autotune_changes_in_progress{")));
}

TEST_F(PrometheusSinkTest, ShowsNoShareOfCallsWhereNothingIsSplit) {
    ChangeRecord change = observed_change();
    change.action.change = KeepWarm{.alias = "live", .from = {}, .to = 3, .before = {}};
    change.judged = JudgeReport{.pairs = 0, .log10_e_errors = 0.5};
    ASSERT_TRUE(sink_.publish({.at = now_, .changes = std::span(&change, 1)}));
    EXPECT_THAT(sink_.render(), Not(HasSubstr("autotune_canary_weight{")));
    EXPECT_THAT(sink_.render(), Not(HasSubstr("autotune_canary_pairs{")));
    EXPECT_EQ(value(R"(autotune_canary_waiting_seconds{function="orders"})"), 60);
    EXPECT_EQ(value(R"(autotune_canary_log10_e{function="orders",test="errors"})"), 0.5);
}

TEST_F(PrometheusSinkTest, HoldsACanaryByVerdictOrByItsHorizon) {
    const std::string series = R"(autotune_canary_held{function="orders"})";
    ChangeRecord change = observed_change();
    change.judged = JudgeReport{.decision = JudgeReport::Decision::hold};
    ASSERT_TRUE(sink_.publish({.at = now_, .changes = std::span(&change, 1)}));
    EXPECT_EQ(value(series), 1);

    change.judged.reset();
    change.action.canary->horizon = std::chrono::minutes(5);
    ASSERT_TRUE(sink_.publish({.at = at_second(239), .changes = std::span(&change, 1)}));
    EXPECT_EQ(value(series), 0);
    ASSERT_TRUE(sink_.publish({.at = at_second(241), .changes = std::span(&change, 1)}));
    EXPECT_EQ(value(series), 1);
}

TEST_F(PrometheusSinkTest, FollowsTheAgentsOwnSums) {
    AgentHealth health{.attached = true,
                       .events = 100,
                       .lost = {{"ring_full", 5}, {"new kind", 1}},
                       .cpu_seconds = 1.5,
                       .resident_bytes = 4096,
                       .bpf_seconds = 0.25,
                       .budget_cores = 0.01,
                       .load_cores = 0.02,
                       .shed = {{"waits", true}, {"file_io", false}},
                       .missing = {"fentry", "kprobes"}};
    ASSERT_TRUE(sink_.publish({.at = now_, .health = &health}));
    health.events = 160;
    health.lost["ring_full"] = 7;
    health.rules_loaded = false;
    ASSERT_TRUE(sink_.publish({.at = now_, .health = &health}));
    EXPECT_EQ(value("autotune_events_total"), 160);
    EXPECT_EQ(value(R"(autotune_events_lost_total{kind="ring_full"})"), 7);
    EXPECT_EQ(value(R"(autotune_events_lost_total{kind="new kind"})"), 1);
    EXPECT_EQ(value("autotune_agent_cpu_seconds_total"), 1.5);
    EXPECT_EQ(value("autotune_agent_resident_memory_bytes"), 4096);
    EXPECT_EQ(value("autotune_bpf_seconds_total"), 0.25);
    EXPECT_EQ(value("autotune_agent_budget_cores"), 0.01);
    EXPECT_EQ(value("autotune_agent_load_cores"), 0.02);
    EXPECT_EQ(value(R"(autotune_agent_shed{detail="waits"})"), 1);
    EXPECT_EQ(value(R"(autotune_agent_shed{detail="file_io"})"), 0);
    EXPECT_EQ(value("autotune_agent_attached"), 1);
    EXPECT_EQ(value("autotune_agent_missing_capabilities"), 2);
    EXPECT_EQ(value("autotune_rules_loaded"), 0);
    EXPECT_EQ(value("autotune_last_step_timestamp_seconds"), 1'790'000'000);
    EXPECT_EQ(value(R"(autotune_build_info{version="1.2.3"})"), 1);

    health.events = 10;  // the source began anew
    ASSERT_TRUE(sink_.publish({.at = now_, .health = &health}));
    EXPECT_EQ(value("autotune_events_total"), 170);
}

TEST_F(PrometheusSinkTest, IsReadWhileItIsWritten) {
    std::atomic<bool> done = false;
    std::thread reader([&] {
        while (!done) EXPECT_THAT(sink_.render(), HasSubstr("autotune_build_info"));
    });
    for (int i = 0; i < 200; ++i)
        publish({InvocationBuilder().of("f" + std::to_string(i % 5), std::to_string(i))});
    done = true;
    reader.join();
}

}  // namespace
}  // namespace autotune::exporters
