#include "rules/plan/call_price.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rules/fixture/fixture.hpp"
#include "rules/plan/resize.hpp"
#include "tests/rules/builders.hpp"

namespace autotune::rules {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using testing::kLambda;
using testing::out_of_memory;

// 100 ms steps, sizes of 128 MB, nothing above 1 GB; a GB-s and a CPU-s cost the same.
constexpr auto kHouse = R"(version: 1
name: house
title: our own
as_of: "2026-01-01"
sources: [{url: "https://example.com"}]
step_ms: 100
sizes: [{mb: 128, cpu: 0.1}, {mb: 256, cpu: 0.4}, {mb: 1024, cpu: 1}]
gb_seconds: {usd: 0.00001}
cpu_seconds: {usd: 0.00001}
)";
// As long as it takes, by memory alone.
constexpr auto kPlain = R"(version: 1
name: plain
title: by GB-s
as_of: "2026-01-01"
sources: [{url: "https://example.com"}]
step_ms: 0.000001
gb_seconds: {usd: 0.00001}
)";

Result<std::string> files(const std::string& path) {
    if (path == "d/prices/house.yaml") return std::string(kHouse);
    if (path == "d/plain.yml") return std::string(kPlain);
    if (path == "d/broken.yaml") return std::string("version: 1\nname: [a\n");
    if (path == "d/prices/rules.yaml")
        return std::string("version: 1\nrules:\n- {name: inner, when: fn.errors > 0, plan: [{resize: {tariff: house.yaml}}]}\n");
    return fail(Errc::not_found, "no " + path);
}

Loaded read(const std::string& text, Tariffs tariffs = nullptr) { return load("version: 1\n" + text, "d/rules.yaml", files, std::move(tariffs)); }
std::string wrong(const std::string& text, Tariffs tariffs = nullptr) {
    std::string all;
    for (const Diagnostic& d : read(text, std::move(tariffs)).diagnostics) all += format(d, "d/rules.yaml") + "\n";
    return all;
}
const ResizeStep& resize_of(const Loaded& loaded, std::size_t rule = 0) {
    return std::get<ResizeStep>(loaded.rules->rules[rule].plan[0].what);
}
Tariff house() { return *resize_of(read("rules: [{name: a, when: fn.errors > 0, plan: [{resize: {tariff: prices/house.yaml}}]}]")).tariff; }
Tariff plain() { return *resize_of(read("rules: [{name: a, when: fn.errors > 0, plan: [{resize: {tariff: plain.yml}}]}]")).tariff; }

TEST(CallPrice, IsTimeTimesMemoryWithoutATariff) {
    const TimeModel model{.from_mb = 128, .cpu_share = 0.5};
    // 256/128 · (0.5 + 0.5/2), of which before a tenth and after nothing fails.
    EXPECT_DOUBLE_EQ(*cost_ratio({.model = model, .tariff = nullptr, .now = {}}, {256, 0.1, 0}), 2 * 0.75 * 0.9);
    EXPECT_EQ(*cost_ratio({.model = model, .tariff = nullptr, .now = {}}, {256, 1, 0}), 0);
    const Tariff by_gb_s = plain();
    EXPECT_NEAR(*cost_ratio({.model = model, .tariff = &by_gb_s, .now = CallTime{50, 0.3}}, {256, 0.1, 0}), 2 * 0.75 * 0.9, 1e-6);
}

TEST(CallPrice, IsThatOfTheSizesThatTheTariffBills) {
    const Tariff tariff = house();
    const TimeModel waits{.from_mb = 128, .cpu_share = 0};
    // 0.125 GB and 0.1 CPU are 0.225 a second; 200 MB are billed as 256, 0.25 and 0.4: 0.65. One down is the other way round.
    EXPECT_NEAR(*cost_ratio({.model = waits, .tariff = &tariff, .now = {}}, {200, 0, 0}), 0.65 / 0.225, 1e-9);
    const TimeModel down{.from_mb = 256, .cpu_share = 0};
    EXPECT_NEAR(*cost_ratio({.model = down, .tariff = &tariff, .now = {}}, {128, 0, 0}), 0.225 / 0.65, 1e-9);
    EXPECT_THAT(cost_ratio({.model = waits, .tariff = &tariff, .now = {}}, {2048, 0, 0}).error().message, HasSubstr("goes up to 1024 MB"));
}

TEST(CallPrice, RoundsTimesUpToStepsAsTheyVary) {
    const Tariff tariff = house();
    const TimeModel works{.from_mb = 128, .cpu_share = 1};
    const auto ratio = [&](double ms, double sd) { return *cost_ratio({.model = works, .tariff = &tariff, .now = CallTime{ms, sd}}, {256, 0, 0}); };
    EXPECT_NEAR(ratio(40, 0), 0.65 / 0.225, 1e-9) << "40 ms and 20 ms are a step each";
    EXPECT_NEAR(ratio(160, 0), 0.65 / 0.225 / 2, 1e-9) << "two steps, and one";
    EXPECT_NEAR(ratio(40'000, 0.1), 0.65 / 0.225 / 2, 0.01) << "of many steps the last is not much";
    EXPECT_GT(ratio(160, 0.3), ratio(160, 0)) << "where calls of 80 ms vary some take two";
}

TEST(CallPrice, TimesAreThoseOfTheWindow) {
    const FunctionFacts known = out_of_memory("a").with(Fact::fn_p50, Nanos(100ms)).with(Fact::fn_p99, Nanos(200ms));
    const auto now = call_time(known);
    ASSERT_TRUE(now);
    EXPECT_NEAR(now->log_sd, 0.298, 0.001);   // ln 2 / 2.326
    EXPECT_NEAR(now->mean_ms, 104.5, 0.1);    // 100 · e^(0.298² / 2)
    EXPECT_FALSE(call_time(out_of_memory("a")));
}

// On a CPU all the time: twice the memory is half the time, and by GB-s nothing dearer; a step is a step.
FunctionFacts quick() {
    return out_of_memory("a").with(Fact::fn_oncpu_share, 1.0).with(Fact::fn_p50, Nanos(40ms)).with(Fact::fn_p99, Nanos(40ms));
}
Result<Sizing> sized(const std::shared_ptr<const Tariff>& named, const Tariff* platform, std::optional<double> most = 10) {
    const FunctionFacts facts = quick();
    return choose_size({.facts = facts,
                        .platform = kLambda,
                        .step = {.tariff = named},
                        .attempts = {},
                        .max_cost_increase_pct = most,
                        .platform_tariff = platform});
}

TEST(ResizeByTariff, IsJudgedByTheTariffThatIsNamed) {
    ASSERT_TRUE(sized(nullptr, nullptr)) << sized(nullptr, nullptr).error().message;
    const auto named = sized(std::make_shared<Tariff>(house()), nullptr);
    ASSERT_FALSE(named);
    // 228 MB are billed as 256, and a tenth of the calls fails no more: 0.65 / 0.225 · 0.9.
    EXPECT_THAT(named.error().message, HasSubstr("the predicted cost of a successful call +160 % by house is above max_cost_increase_pct"));
    EXPECT_THAT(sized(std::make_shared<Tariff>(house()), nullptr, {})->predicted, HasSubstr("cost of a successful call +160 % by house"));
}

TEST(ResizeByTariff, IsJudgedByThePlatformsWhereNoneIsNamed) {
    const Tariff platform = house();
    EXPECT_THAT(sized(nullptr, &platform).error().message, HasSubstr("cost of a successful call +160 % is above"));
    EXPECT_TRUE(sized(std::make_shared<Tariff>(plain()), &platform)) << "what is named goes before";
}

TEST(ResizeByTariff, ASizeThatATariffLacksIsARefusalOnlyWhereItIsNamed) {
    Tariff small = house();
    small.sizes.resize(1);
    EXPECT_THAT(sized(std::make_shared<Tariff>(small), nullptr).error().message, HasSubstr("228 MB of memory; house goes up to 128 MB"));
    EXPECT_TRUE(sized(nullptr, &small)) << "by GB-s";
}

TEST(RulesWithTariffs, TakeTheStepsTheFilesAndThePlatforms) {
    const Loaded loaded = read(
        "include: [prices/rules.yaml]\n"
        "defaults: {tariff: known}\n"
        "rules:\n"
        "- {name: a, when: fn.errors > 0, plan: [{resize: {}}]}\n"
        "- {name: b, when: fn.errors > 0, plan: [{resize: {tariff: prices/house.yaml}}]}\n",
        std::make_shared<const std::vector<Tariff>>(1, Tariff{.name = "known"}));
    ASSERT_TRUE(loaded.rules);
    EXPECT_EQ(resize_of(loaded, 0).tariff->name, "house") << "beside the file that is included";
    EXPECT_EQ(resize_of(loaded, 1).tariff->name, "known");
    EXPECT_EQ(resize_of(loaded, 2).tariff->name, "house");
    EXPECT_EQ(resize_of(read("rules: [{name: a, when: fn.errors > 0, plan: [{resize: {}}]}]")).tariff, nullptr);
}

TEST(RulesWithTariffs, SayWhichTariffTheyDoNotKnow) {
    const auto known = std::make_shared<const std::vector<Tariff>>(1, Tariff{.name = "cloud-run"});
    const std::string begin = "rules:\n- name: a\n  when: fn.errors > 0\n  plan: [{resize: {tariff: ";
    EXPECT_THAT(wrong(begin + "cloud-rum}}]\n", known), HasSubstr("d/rules.yaml:5:28: there is no tariff 'cloud-rum'; did you mean 'cloud-run'?"));
    EXPECT_EQ(wrong(begin + "cloud-run}}]\n", known), "");
    EXPECT_THAT(wrong("defaults: {tariff: nobody}\n" + begin + "cloud-run}}]\n", known), HasSubstr("d/rules.yaml:2:20: there is no tariff 'nobody'"));
    EXPECT_THAT(wrong(begin + "none.yaml}}]\n"), HasSubstr("no d/none.yaml"));
    EXPECT_THAT(wrong(begin + "broken.yaml}}]\n"), HasSubstr("d/broken.yaml:"));
}

TEST(RulesWithTariffs, AreEvaluatedByWhatThePlatformIsBilledBy) {
    const std::string text = "guardrails: {budget: {max_cost_increase_pct: 10}}\nrules:\n- {name: a, when: fn.oom_count > 0, plan: [{resize: {}}]}\n";
    const Loaded loaded = read(text, std::make_shared<const std::vector<Tariff>>(1, house()));
    ASSERT_TRUE(loaded.rules);
    const auto planned = [&](const std::string& tariff) {
        Capabilities platform = kLambda;
        platform.tariff = tariff;
        const std::map<std::string, Capabilities> platforms{{"aws-lambda", platform}};
        const std::vector<WindowFacts> facts{{loaded.rules->rules[0].window, {quick()}}};
        EngineState state;
        return evaluate(*loaded.rules, state, {.facts = facts, .platforms = &platforms, .now = WallTime(24h)});
    };
    EXPECT_EQ(planned("").actions.size(), 1u);
    EXPECT_EQ(planned("another").actions.size(), 1u);
    const Plan house_prices = planned("house");
    ASSERT_EQ(house_prices.refused.size(), 1u);
    EXPECT_THAT(house_prices.refused[0].reason, HasSubstr("above max_cost_increase_pct"));
}

TEST(RulesWithTariffs, AreTriedByTheTariffOfAFixturesPlatform) {
    const std::string text = "guardrails: {budget: {max_cost_increase_pct: 10}}\nrules:\n- {name: a, when: fn.oom_count > 0, plan: [{resize: {}}]}\n";
    const Loaded loaded = read(text, std::make_shared<const std::vector<Tariff>>(1, house()));
    ASSERT_TRUE(loaded.rules);
    const auto ran = [&](const std::string& tariff, const std::string& expected) {
        const LoadedFixture fixture = load_fixture(
            "version: 1\nrules: rules.yaml\ntests:\n- name: t\n  platform: {tariff: " + tariff +
            "}\n  functions: [{name: f, facts: [{at: 0s, fn: {invocations: 100, oom_count: 10, errors: 10, memory_mb: 128, peak_memory_mb: 128, "
            "oncpu_share: 1, timeouts: 0, p50: 40ms, p99: 40ms}}]}]\n  expect: [{at: 0s, " +
            expected + "}]\n");
        std::string all;
        for (const Diagnostic& d : fixture.diagnostics) all += d.message + "\n";
        for (const FixtureTest& test : fixture.fixture ? fixture.fixture->tests : std::vector<FixtureTest>())
            for (const Diagnostic& d : run(test, *loaded.rules)) all += d.message + "\n";
        return all;
    };
    EXPECT_EQ(ran("none", "actions: [{rule: a, function: f}], refused: []"), "");
    EXPECT_EQ(ran("house", "actions: [], refused: [{rule: a, function: f, because: above max_cost_increase_pct}]"), "");
    EXPECT_EQ(ran("hose", "actions: []"), "'t': there is no tariff 'hose'; did you mean 'house'?\n");
}

}  // namespace
}  // namespace autotune::rules
