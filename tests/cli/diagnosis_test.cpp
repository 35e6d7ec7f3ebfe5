#include "cli/diagnosis.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/rules/builders.hpp"

namespace autotune::cli {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST(Wilson, IsTheIntervalOfTheBooks) {
    // Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
    const auto is = [](double part, double whole, double low, double high) {
        const Interval i = wilson(part, whole);
        EXPECT_NEAR(i.low, low, 5e-5) << part << "/" << whole;
        EXPECT_NEAR(i.high, high, 5e-5) << part << "/" << whole;
    };
    is(81, 263, 0.2553, 0.3662);
    is(15, 148, 0.0624, 0.1605);
    is(0, 20, 0, 0.1611);
    is(1, 29, 0.0061, 0.1718);
    is(0, 0, 0, 1);
}

class Diagnosis : public testing::Test {
protected:
    Diagnosis() {
        action_.target = {"aws-lambda", "orders"};
        action_.rule = "oom";
        action_.change = Notify{};
        action_.evidence.facts = {{"fn.oom_count", "10"}};
        action_.evidence.kill_time = from_ns(5);
        action_.evidence.hottest_frame = "json.loads";
        action_.evidence.impact = Impact{.watched = 900s,
                                         .invocations = 100,
                                         .failed = 10,
                                         .slow_over = 300ms,
                                         .gb_seconds = 4,
                                         .gb_seconds_error = 2};
    }
    void look() {
        facts_ = seen_facts_;
        diagnose(action_, {.facts = &facts_,
                           .boxes = boxes_,
                           .health = &health_,
                           .price = price_ ? &*price_ : nullptr,
                           .rules_file = "rules.yaml",
                           .window = 900s});
    }
    Action action_;
    rules::testing::FactsOf seen_facts_ = rules::testing::out_of_memory("orders", 10);
    FunctionFacts facts_;
    std::optional<std::size_t> boxes_ = 10;
    AgentHealth health_;
    std::optional<Price> price_ = Price{0.0000166667, 2e-7, 0.0000041667, "AWS Lambda, prices of 2025-08-01"};
};

TEST_F(Diagnosis, SaysWhatADayCosts) {
    look();
    const Impact& i = *action_.evidence.impact;
    EXPECT_NEAR(i.usd_a_day, 96 * (4 * 0.0000166667 + 10 * 2e-7), 1e-12);
    EXPECT_NEAR(i.usd_a_day_error, 96 * (2 * 0.0000166667 + 1.96 * std::sqrt(10.0) * 2e-7), 1e-12);
    EXPECT_EQ(i.tariff, "AWS Lambda, prices of 2025-08-01");
}

TEST_F(Diagnosis, IsAsSureAsItsKillsWereWitnessed) {
    look();
    EXPECT_EQ(action_.evidence.confidence.grade, "medium");  // 10 of 10: at least 72 %
    EXPECT_THAT(action_.evidence.confidence.rests_on,
                AllOf(HasSubstr("100 invocations, of which 10 failed (10 %; 95 %: 5.52 % to 17.4 %)"),
                      HasSubstr("10 of 10 kills have a black box (95 %: 72.2 % to 100 %)"), HasSubstr("no event was lost")));
    EXPECT_THAT(action_.evidence.missing, IsEmpty());
    boxes_ = 2;
    look();
    EXPECT_EQ(action_.evidence.confidence.grade, "low");
    seen_facts_ = rules::testing::out_of_memory("orders", 40);
    boxes_ = 40;
    look();
    EXPECT_EQ(action_.evidence.confidence.grade, "high");
    seen_facts_.with(Fact::fn_events_lost, 7);
    look();
    EXPECT_EQ(action_.evidence.confidence.grade, "medium");
    EXPECT_THAT(action_.evidence.missing, Contains("7 events that were lost"));
}

TEST_F(Diagnosis, SaysWhatIsMissing) {
    boxes_.reset();
    price_.reset();
    action_.evidence.hottest_frame.clear();
    action_.evidence.impact->watched = 20s;
    action_.evidence.impact->slow_over = Nanos(0);
    action_.evidence.impact->unsized = 3;
    health_.missing = {"BPF programs"};
    seen_facts_.with(Fact::fn_told_share, 0.25);
    look();
    EXPECT_THAT(action_.evidence.missing,
                testing::ElementsAre("of the window of 900 s only 20 s were watched", "what it costs: there is no tariff",
                                     "the memory of 3 invocations: they are in no costs",
                                     "an objective (slo) that says what is slow: only failures are in the costs",
                                     "black boxes: this kernel or user does not allow them", "stack samples of the function",
                                     "75 % of the invocations were not seen one by one, to keep the budget: counts are estimates",
                                     "BPF programs: not allowed here (autotune doctor)"));
    EXPECT_EQ(action_.evidence.impact->tariff, "");
}

TEST_F(Diagnosis, NamesOneThingToDoWithWhatToExpectOfIt) {
    action_.change = Notify{Severity::warning, "cache"};
    look();
    EXPECT_EQ(action_.next,
              "in rules.yaml, rule oom, first in its plan: - {cache: {ttl: 1m}}; then: autotune apply orders --rules rules.yaml");
    EXPECT_THAT(action_.predicted, HasSubstr("not waited for again"));
    EXPECT_THAT(action_.risk, AllOf(HasSubstr("10 % of the calls"), HasSubstr("at most 5 %")));
    action_.change = Notify{};
    look();
    EXPECT_EQ(action_.next, "autotune profile --function orders --mode wall --duration 60 -o orders.html");
    action_.evidence.black_box = "8f2c";
    look();
    EXPECT_EQ(action_.next, "autotune profile --black-box 8f2c");
    action_.change = Resize{128, 228};
    action_.canary = CanaryPolicy{.weight = 0.5};
    action_.next = "";
    look();
    EXPECT_EQ(action_.next, "") << "it is done";
    EXPECT_THAT(action_.risk, HasSubstr("50 % of the calls go to the new version, for at most 2 h"));
    action_.canary->on_hold = CanaryPolicy::OnHold::keep_waiting;
    look();
    EXPECT_THAT(action_.risk, HasSubstr("50 % of the calls go to the new version, until it is proved"));
}

TEST_F(Diagnosis, SaysWhatEnvironmentsCostThatAreKept) {
    action_.change = KeepWarm{.alias = "live", .from = {}, .to = 3, .before = {}};
    action_.canary = CanaryPolicy{};
    look();  // 3 of 128 MB: 32,400 GB-s a day
    EXPECT_EQ(action_.risk,
              "costs up to 3 environments that wait, 0.135 USD a day at 128 MB (AWS Lambda, prices of 2025-08-01); it is for all calls "
              "at once, and taken back unless within 2 h it is used and a smaller share of them is cold");
    std::get<KeepWarm>(action_.change).to = 100'000;
    look();
    EXPECT_THAT(action_.risk, HasSubstr(", 4500 USD a day at 128 MB"));
    price_->kept_gb_second.reset();
    look();
    EXPECT_THAT(action_.risk, HasSubstr(" environments that wait, at a price that is not known"));
    action_.change = KeepWarm{.alias = "live", .from = 3, .to = {}, .before = {}};
    look();
    EXPECT_THAT(action_.risk, testing::StartsWith("it is for all calls at once"));
}

TEST_F(Diagnosis, SaysWhoseConcurrencyAReservationTakes) {
    action_.change = Reserve{.from = 1, .to = 4, .before = {}};
    action_.canary = CanaryPolicy{};
    look();
    EXPECT_EQ(action_.risk,
              "3 more of the account's concurrent calls are this function's alone; it is for all calls at once, and taken back unless within "
              "2 h it is used and a smaller share of them is refused");
    action_.canary->on_hold = CanaryPolicy::OnHold::keep_waiting;
    look();
    EXPECT_THAT(action_.risk, testing::EndsWith("taken back when a larger share of them is refused"));
    std::get<Reserve>(action_.change).from.reset();
    look();
    EXPECT_THAT(action_.risk, HasSubstr("4 more of the account's concurrent calls are this function's alone, and it can never run more at a time"));
}

TEST(Price, IsThatOfATariffAndItsDay) {
    const auto price = price_of("aws-lambda-x86");
    ASSERT_TRUE(price) << price.error().message;
    EXPECT_DOUBLE_EQ(price->gb_second, 0.0000166667);
    EXPECT_DOUBLE_EQ(price->request, 0.0000002);
    EXPECT_DOUBLE_EQ(price->kept_gb_second.value_or(0), 0.0000041667);
    EXPECT_EQ(price->name, "AWS Lambda, x86, US East (N. Virginia), prices of 2025-08-01");
    EXPECT_THAT(price_of("aws").error().message, HasSubstr("aws-lambda-arm"));
    const auto arm = price_of("aws-lambda-arm");
    ASSERT_TRUE(arm) << arm.error().message;
    EXPECT_DOUBLE_EQ(arm->kept_gb_second.value_or(0), 0.0000033334);
}

}  // namespace
}  // namespace autotune::cli
