// Models made of records; the numbers of each are in its comment, computed by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "analyzer/cost/bill.hpp"
#include "analyzer/cost/other_memory.hpp"
#include "exporters/render/cost_model_yaml.hpp"
#include "rules/cost/model.hpp"
#include "tests/analyzer/recorded_costs.hpp"

namespace autotune {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// a: 10.2, 10.7, 20.5 and 30.1 ms are billed 11, 11, 21 and 31: 18.5 in the mean. b: five of 5 ms, one cold with 120 ms: 25.
std::vector<Invocation> two_functions() {
    return {called("a", 10.2), called("a", 10.7), called("a", 20.5), called("a", 30.1), cold(called("b", 5, 1024), 120),
            called("b", 5, 1024), called("b", 5, 1024), called("b", 5, 1024), called("b", 5, 1024), called("b", 5, 1024)};
}

TEST(MeasuredCost, IsTheBillOfTheRecordsTimesTheScale) {
    // An hour is 1/730 of a period. GB-s: a 4 · 0.0185 · 0.5 = 0.037, b 6 · 0.025 · 1 = 0.15; times 730: 136.51, · 0.0000166667 =
    // 0.002275171217. 7,300 calls: 0.00146.
    const OwnerGraph calls = graph({{"a", "b", 4}, {"a", "db:5432", 8}});
    const MeasuredCost m = measured(two_functions(), calls);
    EXPECT_EQ(m.invocations, 10U);
    EXPECT_EQ(m.scale.text(), "730");
    const CostEndpoint &a = endpoint(m.model, "a"), &b = endpoint(m.model, "b");
    EXPECT_EQ(a.duration_ms.text(), "17.875");
    EXPECT_EQ(a.billed_ms.at("aws-lambda-x86").text(), "18.5");
    EXPECT_EQ(b.billed_ms.at("aws-lambda-x86").text(), "25");
    EXPECT_EQ(b.init_ms.text(), "120");
    EXPECT_EQ(a.load.text(), "2920");
    EXPECT_EQ(b.load.text(), "1460");  // 4 of its 6 calls are a's
    EXPECT_EQ(a.calls.at(0).times.text(), "1");
    EXPECT_EQ(a.calls.at(1).times.text(), "2");
    EXPECT_EQ(total(m.model), "0.003735171217");
    const auto bill = analysis::bill_of(m.model, tariffs());
    ASSERT_TRUE(bill);
    EXPECT_EQ(bill->endpoints[1].calls.text(), "4380");
    EXPECT_EQ(bill->endpoints[2].calls.text(), "5840");
    EXPECT_EQ(bill->endpoints[2].charges.total().text(), "0");
    EXPECT_THAT(m.remarks, Contains("db:5432: what it costs is not known, nothing is counted for it; seen were 8 calls, 100 bytes sent "
                                    "and 50 received by each"));
}

TEST(MeasuredCost, AnotherTariffRoundsEachCallItsOwnWay) {
    // gcf: 100 ms steps, no init; a: 512 MB 4 · 0.1 s, b: 1024 MB 6 · 0.1 s; · 730: GB-s 146 + 438 = 584 · 0.0000025 = 0.00146;
    // GHz-s 292 · 0.8 + 438 · 1.4 = 846.8 · 0.00001 = 0.008468; 7,300 calls · 0.0000004 = 0.00292.
    CostModel model = measured(two_functions(), graph({{"a", "b", 4}})).model;
    for (CostService& s : model.services) s.tariff = "gcf";
    EXPECT_EQ(total(model), "0.012848");
}

TEST(MeasuredCost, WhatIsWrittenDownIsTheSameModel) {
    const MeasuredCost m = measured(all(two_functions(), {called("yes", 7, 256), called("q\"\\ /é", 3, 256)}),
                                    graph({{"a", "b", 4}, {"a", "db:5432", 3}, {"q\"\\ /é", "yes", 1}}));
    const std::string text = render::cost_model_yaml(m.model, m.period_hours, m.remarks);
    const auto read = rules::load_cost_model(text, rules::Syntax::yaml);
    for (const auto& d : read.diagnostics) ADD_FAILURE() << rules::format(d, "model") << "\n" << text;
    ASSERT_TRUE(read.model);
    EXPECT_EQ(total(*read.model), total(m.model)) << text;
    EXPECT_EQ(render::cost_model_yaml(*read.model, m.period_hours, m.remarks), text);
}

TEST(MeasuredCost, AnyNameCanBeWrittenDown) {
    std::mt19937_64 random(9);
    const std::string odd = "ab:/\\\"'{}[],&*#?|-<>=!%@` ~yes01.\n\t\x01\xc3\xa9";
    for (int run = 0; run < 300; ++run) {
        std::string name, other = "o";
        for (std::size_t i = 1 + random() % 6; i > 0; --i) name += odd[random() % odd.size()], other += odd[random() % odd.size()];
        const MeasuredCost m = measured({called(name, 3), called("other", 4)}, graph({{"other", name, 1}, {"other", other + ":1", 1}}));
        const std::string text = render::cost_model_yaml(m.model, m.period_hours, {name});
        const auto read = rules::load_cost_model(text, rules::Syntax::yaml);
        ASSERT_TRUE(read.model) << rules::format(read.diagnostics.front(), "model") << "\n" << text;
        EXPECT_EQ(total(*read.model), total(m.model)) << text;
    }
}

TEST(MeasuredCost, TheNewestMemoryIsTheFunctionsAndOthersAreDurationsOfAWhatIf) {
    Invocation before = called("f", 40, 256);
    before.wall_start = kFrom;
    const MeasuredCost m = measured(all(times(3, before), {called("f", 20, 512)}));
    EXPECT_EQ(m.model.services.at(0).memory_mb, 512);
    // 4 · 730 calls: 0.000584; · 0.02 s · 0.5 GB = 29.2 GB-s: 0.00048666764.
    EXPECT_EQ(total(m.model), "0.00107066764");
    EXPECT_THAT(m.remarks, Contains("f: all 4 invocations are counted as if at 512 MB, its newest memory; of them were 3 at 256 MB"));
    CostModel small = m.model;
    small.services[0].memory_mb = 256;  // 0.04 s · 0.25 GB: the same GB-s
    EXPECT_EQ(total(small), "0.00107066764");
    small.services[0].memory_mb = 1024;
    EXPECT_THAT(total(small), HasSubstr("no duration_ms for 1024 MB"));
}

// A newest memory of 512 MB, and one that it had before.
Invocation before(Invocation i) {
    i.wall_start = kFrom + Nanos(1);
    return i;
}

TEST(MeasuredCost, AtAMemoryThatItHadSaysWhatIsNotKnownOfIt) {
    const MeasuredCost m = measured({before(called("f", 10, 256)), before(cold(called("f", 5, 256), 0)), called("f", 20)});
    CostModel small = m.model;
    small.services[0].memory_mb = 256;
    EXPECT_THAT(analysis::take_measured(small, m), ElementsAre(HasSubstr("how long 1 of its cold starts took to begin is not on record")));
}

TEST(MeasuredCost, AtAMemoryThatItHadIsBilledAsItWas) {
    // At 256 MB 10.2, 10.7 and, cold, 5 + 120 ms: 11 + 11 + 125 = 49 in the mean, though the mean of 8.6333 + a third of 120 would be 49.67.
    const MeasuredCost m = measured({before(called("f", 10.2, 256)), before(called("f", 10.7, 256)), before(cold(called("f", 5, 256), 120)), called("f", 20)});
    CostModel small = m.model;
    small.services[0].memory_mb = 256;
    EXPECT_EQ(analysis::take_measured(small, m),
              std::vector<std::string>{"f: at 256 MB as measured, by 3 invocations in 1 of 20 equal parts of the time: how much that varies is not known"});
    EXPECT_EQ(endpoint(small, "f").billed_ms.at("aws-lambda-x86").text(), "49");
    EXPECT_EQ(endpoint(small, "f").init_ms.text(), "120");
    // 4 · 730 calls of 0.049 s and 0.25 GB: 35.77 GB-s, 0.000596167859; and 0.000584.
    EXPECT_EQ(total(small), "0.001180167859");
    CostModel other = small;
    other.services[0].tariff = "gcf";
    EXPECT_EQ(endpoint(other, "f").billed_ms.at("gcf").text(), "100") << "each by itself, and no init";
    CostModel said = m.model;
    said.services[0].memory_mb = 256, said.endpoints[0].duration_ms = 3, said.endpoints[0].duration_at.clear(), said.endpoints[0].billed_ms.clear();
    EXPECT_TRUE(analysis::take_measured(said, m).empty()) << "a duration that was said goes before";
    CostModel same = m.model;
    EXPECT_TRUE(analysis::take_measured(same, m).empty());
}

TEST(MeasuredCost, OneThatStandsForSeveralCountsAsSoMany) {
    Invocation i = called("f", 10);
    i.stands_for = 7;
    const MeasuredCost m = measured({i, cold(called("f", 10), 90)});
    EXPECT_EQ(m.invocations, 2U);
    EXPECT_EQ(endpoint(m.model, "f").load.text(), "5840");  // 8 · 730
    EXPECT_EQ(endpoint(m.model, "f").cold.text(), "0.125");
    EXPECT_EQ(endpoint(m.model, "f").billed_ms.at("aws-lambda-x86").text(), "21.25");  // (7 · 10 + 100) / 8
}

TEST(MeasuredCost, WhatIsOutsideOfTheTimeIsNotCounted) {
    Invocation early = called("f", 10), late = called("f", 10);
    early.wall_start = kFrom - Nanos(1);
    late.wall_start = kTo + Nanos(1);
    EXPECT_EQ(measured({early, called("f", 10), late}).invocations, 1U);
    analysis::CostMeter none({.from = kFrom, .to = kTo}, tariffs(), graph({}));
    none.add(early);
    EXPECT_FALSE(none.finish());
}

TEST(MeasuredCost, MissingThingsAreTold) {
    Invocation held = called("f", 60'000, 0);
    held.held = true;
    Invocation negative = called("f", -3, 0);
    const MeasuredCost m = measured({called("f", 10, 0), cold(called("f", 10, 0), 0), held, negative});
    EXPECT_EQ(m.unknown_memory, std::vector<std::string>{"f"});
    EXPECT_EQ(endpoint(m.model, "f").load.text(), "2920");
    EXPECT_EQ(endpoint(m.model, "f").duration_ms.text(), "10");
    EXPECT_THAT(m.remarks, Contains(HasSubstr("2 invocations of no length of their own")));
    EXPECT_THAT(m.remarks, Contains(HasSubstr("how long 1 cold start took")));
    EXPECT_THAT(m.remarks, Contains(HasSubstr("who calls whom is not on record")));
    EXPECT_THAT(m.remarks, Contains(HasSubstr("nothing was invoked in 19 of 20 equal parts")));
}

TEST(MeasuredCost, CallsInACircleAreLoadFromOutside) {
    const MeasuredCost m = measured(all(all(times(2, called("a", 1)), times(4, called("b", 1))), all(times(5, called("c", 1)), times(9, called("d", 1)))),
                                    graph({{"a", "b", 2}, {"b", "c", 4}, {"c", "b", 2}, {"c", "d", 5}, {"d", "d", 4}}));
    const auto bill = analysis::bill_of(m.model, tariffs());
    ASSERT_TRUE(bill) << bill.error().message;
    for (const auto& [name, calls] : {std::pair(0, "1460"), std::pair(1, "2920"), std::pair(2, "3650"), std::pair(3, "6570")})
        EXPECT_EQ(bill->endpoints[static_cast<std::size_t>(name)].calls.text(), calls);
    EXPECT_THAT(m.remarks, Contains(HasSubstr("in a circle, which are taken for load from outside: b → c, c → b, d → d")));
}

TEST(MeasuredCost, CallsThatWereRefusedAreNotBilled) {
    // b was called 6 times and invoked 3 times.
    const MeasuredCost m = measured(all(times(2, called("a", 1)), times(3, called("b", 1))), graph({{"a", "b", 6}}));
    const auto bill = analysis::bill_of(m.model, tariffs());
    ASSERT_TRUE(bill);
    EXPECT_EQ(bill->endpoints[1].calls.text(), "2190");
    EXPECT_EQ(endpoint(m.model, "b").load.text(), "0");
    EXPECT_THAT(m.remarks, Contains(HasSubstr("functions call it 6 times in the time that is billed, and it was invoked 3 times")));
}

TEST(MeasuredCost, GraphsOfAnyNumbersMakeNoWrongModel) {
    std::mt19937_64 random(3);
    for (int run = 0; run < 300; ++run) {
        OwnerGraph g = graph({{"a", "b", 1}, {"b", "c", 1}, {"c", "x:1", 1}});
        for (std::size_t i = random() % 8; i > 0; --i)
            g.edges.push_back({.from = random() % 4, .to = random() % 4, .calls = random() >> (random() % 64)});
        const MeasuredCost m = measured({called("a", 3), called("b", 3), called("c", 3), called("c", 3)}, g);
        const auto bill = analysis::bill_of(m.model, tariffs());
        if (!bill) {
            EXPECT_EQ(bill.error().code, Errc::resource_exhausted) << bill.error().message;
            continue;
        }
        // Whoever called: of each as many as there were, but for digits behind the twelfth.
        for (const auto& [i, calls] : {std::pair(0, 730), std::pair(1, 730), std::pair(2, 1460)})
            EXPECT_NEAR(bill->endpoints[static_cast<std::size_t>(i)].calls.approximate(), calls, 1e-9);
    }
}

}  // namespace
}  // namespace autotune
