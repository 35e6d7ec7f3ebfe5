// Bills computed by hand, to the cent and below; the numbers of each are in its comment.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "analyzer/cost/bill.hpp"
#include "knowledge/tariffs.hpp"
#include "rules/cost/model.hpp"
#include "rules/cost/tariff.hpp"

namespace autotune {
namespace {

using ::testing::HasSubstr;

const std::vector<Tariff>& tariffs() {
    static const std::vector<Tariff> all = [] {
        std::vector<Tariff> out;
        for (const TariffText& text : tariff_texts()) {
            const rules::LoadedTariff loaded = rules::load_tariff(text.text);
            for (const auto& d : loaded.diagnostics) ADD_FAILURE() << rules::format(d, text.file);
            if (loaded.tariff) out.push_back(*loaded.tariff);
        }
        return out;
    }();
    return all;
}

CostModel model(const std::string& text) {
    const auto loaded = rules::load_cost_model("version: 1\n" + text, rules::Syntax::yaml);
    for (const auto& d : loaded.diagnostics) ADD_FAILURE() << rules::format(d, "model");
    return loaded.model.value_or(CostModel{});
}

Bill bill(const std::string& text) {
    const auto out = analysis::bill_of(model(text), tariffs());
    if (!out) ADD_FAILURE() << out.error().message;
    return out.value_or(Bill{});
}

std::string refused(const std::string& text) {
    const auto out = analysis::bill_of(model(text), tariffs());
    return out ? "it was not refused" : out.error().message;
}

std::string calls(const Bill& bill) {
    std::string out;
    for (const EndpointBill& e : bill.endpoints) out += (out.empty() ? "" : " ") + e.calls.text();
    return out;
}

std::string total(const std::string& text) { return bill(text).charges.total().text(); }

// One function of a tariff, alone.
std::string alone(const std::string& tariff, const std::string& more) {
    return bill("tariff: " + tariff + "\nservices: {f: {" + more + "}}").charges.total().text(2);
}

const std::string kPlain = "tariff: aws-lambda-x86\nfree_tier: exclude\nservices:\n";

TEST(Cost, ASeriesOfThree) {
    // Each: 1,000,000 · 0.1 s · 1 GB = 100,000 GB-s · 0.0000166667 = 1.66667; calls 0.20.
    const Bill b = bill(kPlain +
                        "  a: {memory_mb: 1024, duration_ms: 100, load: 1000000, calls: {b: 1}}\n"
                        "  b: {memory_mb: 1024, duration_ms: 100, calls: {c: 1}}\n"
                        "  c: {memory_mb: 1024, duration_ms: 100}\n");
    EXPECT_EQ(calls(b), "1000000 1000000 1000000");
    EXPECT_EQ(b.endpoints[0].charges.total().text(), "1.86667");
    EXPECT_EQ(b.charges.total().text(), "5.60001");
    EXPECT_EQ(b.charges.total().text(2), "5.60");
}

TEST(Cost, AFanOutByProbability) {
    // 0.2 s · 0.5 GB = 0.1 GB-s a call: 100,000 + 25,000 + 75,000 GB-s · 0.0000166667 = 3.33334; 2,000,000
    // calls 0.40.
    const Bill b = bill(
        kPlain +
        "  front: {memory_mb: 512, duration_ms: 200, load: 1000000, calls: {x: {p: 0.25}, y: {p: 0.75}}}\n"
        "  x: {memory_mb: 512, duration_ms: 200}\n"
        "  y: {memory_mb: 512, duration_ms: 200}\n");
    EXPECT_EQ(calls(b), "1000000 250000 750000");
    EXPECT_EQ(b.endpoints[1].charges.compute.text(), "0.4166675");
    EXPECT_EQ(b.endpoints[2].charges.total().text(), "1.4000025");
    EXPECT_EQ(b.charges.total().text(), "3.73334");
}

TEST(Cost, MoreThanOneCallOfACalleeAndTwoWaysToIt) {
    // list calls item 25 times and audit 3 · 0.4; both call store: 250,000 · 2 + 12,000 · 0.5 + 100 of its
    // own.
    const Bill b = bill(kPlain +
                        "  list: {duration_ms: 8, load: 10000, calls: {item: 25, audit: {n: 3, p: 0.4}}}\n"
                        "  item: {duration_ms: 8, calls: {store: 2}}\n"
                        "  audit: {duration_ms: 8, calls: {store: 0.5}}\n"
                        "  store: {duration_ms: 8, load: 100}\n");
    EXPECT_EQ(calls(b), "10000 250000 12000 506100");
    // 778,100 calls · 0.0000002 = 0.15562; 778,100 · 0.008 s · 0.125 GB = 778.1 GB-s · 0.0000166667 =
    // 0.01296835927.
    EXPECT_EQ(b.charges.total().text(), "0.16858835927");
}

TEST(Cost, WhatACalleeCallsIsCountedOnlyWhenAllItsCallersAre) {
    // Deep before shallow in the file: order must not matter.
    EXPECT_EQ(calls(bill(kPlain + "  d: {duration_ms: 1}\n  c: {duration_ms: 1, calls: {d: 1}}\n"
                                  "  b: {duration_ms: 1, calls: {c: 1, d: 1}}\n"
                                  "  a: {duration_ms: 1, load: 8, calls: {b: 0.5, c: 0.25, d: 0.125}}\n")),
              "11 6 4 8");
}

TEST(Cost, InstancesAreWholeAndPaidByTheHour) {
    const std::string shape =
        "tariff: aws-lambda-x86\nservices:\n  legacy:\n    kind: instance\n"
        "    usd_per_hour: 0.0116\n    other_usd: 5\n    endpoints:\n";
    // 730 h · 0.0116 = 8.468 an instance.
    const auto with = [&](const std::string& endpoints) { return bill(shape + endpoints); };
    EXPECT_EQ(with("      get: {capacity: 2000000, load: 6000000}\n").charges.total().text(), "30.404");  // 3
    EXPECT_EQ(with("      get: {capacity: 2000000, load: 6000001}\n").services[0].instances.text(), "4");
    EXPECT_EQ(with("      get: {share: 0.0000005, load: 2000000}\n").services[0].instances.text(), "1");
    EXPECT_EQ(with("      get: {share: 0.0000005, load: 2000001}\n").services[0].instances.text(), "2");
    // Three thirds are one; so are two thirds and a sixth and a sixth.
    EXPECT_EQ(with("      a: {capacity: 3, load: 1}\n      b: {capacity: 3, load: 1}\n      c: {capacity: 3, "
                   "load: 1}\n")
                  .services[0]
                  .instances.text(),
              "1");
    EXPECT_EQ(with("      a: {capacity: 3, load: 2}\n      b: {capacity: 6, load: 1}\n      c: {capacity: 6, "
                   "load: 1}\n")
                  .services[0]
                  .instances.text(),
              "1");
    // Nobody calls: no instance, yet what is paid anyway.
    EXPECT_EQ(with("      get: {capacity: 3}\n").charges.total().text(), "5");
}

TEST(Cost, TheFormulaOfThePaperWithCostsGiven) {
    // 1000 · (0.0000035 + 0.000002 + 0.0000045) + 2 = 2.01; nobody calls the other: 0.
    const Bill b = bill(
        "services:\n"
        "  f: {load: 1000, usd: {api: 0.0000035, compute: 0.000002, io: 0.0000045}, other_usd: 2}\n"
        "  g: {usd: {api: 1, compute: 1, io: 1}, other_usd: 7}\n");
    EXPECT_EQ(b.endpoints[0].charges.total().text(), "2.01");
    EXPECT_EQ(b.endpoints[1].charges.total().text(), "0");
    // An instance service: ceil(0.001 · 1000 + 0.002 · 300) · 10 + 1000 · 0.01 + 300 · 0.02 + 4 = 40.
    EXPECT_EQ(
        total(
            "services:\n  s:\n    kind: instance\n    usd_per_period: 10\n    other_usd: 4\n    endpoints:\n"
            "      a: {share: 0.001, load: 1000, usd: {api: 0.004, io: 0.006}, calls: {s/b: 0.3}}\n"
            "      b: {share: 0.002, usd: {io: 0.02}}\n"),
        "40");
}

TEST(Cost, TheFreeTierIsTakenOffOnce) {
    // 3,000,000 · 0.12 s · 1.5 GB = 540,000 - 400,000 = 140,000 GB-s · 0.0000166667 = 2.333338; 2,000,000
    // calls 0.40.
    const Bill b =
        bill("tariff: aws-lambda-x86\nservices:\n  f: {memory_mb: 1536, duration_ms: 120, load: 3000000}\n");
    EXPECT_EQ(b.charges.total().text(), "2.733338");
    EXPECT_EQ(b.meters.size(), 2u);
    EXPECT_EQ(b.meters[1].used.text(), "540000");
    EXPECT_EQ(b.meters[1].free.text(), "400000");
    // Below what is free nothing is paid.
    EXPECT_EQ(total("tariff: aws-lambda-x86\nservices:\n  f: {duration_ms: 1, load: 1000000}\n"), "0");
}

TEST(Cost, X86AndArmShareOneFreeTier) {
    // 400,000 GB-s each, of which 200,000 are free: 3.33334 and 2.66668; 800,000 calls are free.
    const Bill b = bill(
        "services:\n"
        "  x: {tariff: aws-lambda-x86, memory_mb: 1024, duration_ms: 1000, load: 400000}\n"
        "  a: {tariff: aws-lambda-arm, memory_mb: 1024, duration_ms: 1000, load: 400000}\n");
    EXPECT_EQ(b.endpoints[0].charges.total().text(), "3.33334");
    EXPECT_EQ(b.endpoints[1].charges.total().text(), "2.66668");
}

TEST(Cost, TiersAreCrossed) {
    // 2e9 · 1 s · 10 GB = 20e9 GB-s: 6e9 · 0.0000166667 + 9e9 · 0.000015 + 5e9 · 0.0000133334 = 301,667.20;
    // calls 400.
    const std::string f = "{memory_mb: 10240, duration_ms: 1000, load: 2000000000}\n";
    EXPECT_EQ(total(kPlain + "  f: " + f), "302067.2");
    // The free tier takes 400,000 of the last and 1,000,000 calls: - 5.33336 - 0.2.
    EXPECT_EQ(total("tariff: aws-lambda-x86\nservices:\n  f: " + f), "302061.66664");
    // arm: 7.5e9 · 0.0000133334 + 11.25e9 · 0.0000120001 + 1.25e9 · 0.0000106667 = 248,335; calls 400.
    EXPECT_EQ(total("tariff: aws-lambda-arm\nfree_tier: exclude\nservices:\n  f: " + f), "248735");
    // 1e9 + 1e6 calls by a REST gateway: 333 · 3.50 + 667 · 2.80 + 1 · 2.38 = 3035.48; calls 200.20; no time.
    EXPECT_EQ(total(kPlain + "  f: {usd: {compute: 0}, api: rest, load: 1001000000}\n"), "3235.68");
    // 61,440 GB out: 10,240 · 0.09 + 40,960 · 0.085 + 10,240 · 0.07 = 5120.
    EXPECT_EQ(
        bill(kPlain + "  f: {usd: {compute: 0, api: 0}, out_kb: 1048576, load: 61440}\n").charges.io.text(2),
        "5120.00");
}

TEST(Cost, PartsOfTiersMakeUpTheWhole) {
    // Seven alike over a border and a free tier: no seventh is a decimal, and yet nothing is lost.
    std::string text = "tariff: aws-lambda-x86\nservices:\n";
    for (const char* name : {"a", "b", "c", "d", "e", "f", "g"})
        text += "  " + std::string(name) + ": {memory_mb: 10240, duration_ms: 1000, load: 285714287}\n";
    const Bill b = bill(text);
    Decimal parts, counted;
    for (const EndpointBill& e : b.endpoints) parts += e.charges.total();
    for (const MeterBill& meter : b.meters) counted += meter.usd;
    EXPECT_EQ(parts, counted);
    EXPECT_EQ(parts, b.charges.total());
    EXPECT_EQ(b.endpoints[0].charges.total().text(2), b.endpoints[6].charges.total().text(2));
}

TEST(Cost, InitPhasesAreBilledSinceAugust2025) {
    // 0.99 · 0.1 s + 0.01 · 1 s = 0.109 s · 0.125 GB · 1,000,000 = 13,625 GB-s · 0.0000166667 = 0.2270837875;
    // calls 0.20.
    const std::string f = "  f: {duration_ms: 100, init_ms: 900, cold: 0.01, load: 1000000}\n";
    EXPECT_EQ(total(kPlain + f), "0.4270837875");
    // In 2017 they were not: 12,500 GB-s · 0.00001667.
    EXPECT_EQ(total("tariff: aws-lambda-2017\nfree_tier: exclude\nservices:\n" + f), "0.408375");
}

TEST(Cost, BilledTimeIsRoundedUpAsTheTariffSays) {
    const auto gb_s = [](const std::string& tariff, const std::string& ms) {
        const Bill b = bill("tariff: " + tariff + "\nservices:\n  f: {memory_mb: 128, duration_ms: " + ms +
                            ", load: 8}\n");
        for (const MeterBill& meter : b.meters)
            if (meter.name.find("GB-s") != std::string::npos ||
                meter.name.find("gb_seconds") != std::string::npos)
                return meter.used.text();
        return std::string("not counted");
    };
    EXPECT_EQ(gb_s("aws-lambda-x86", "7.2"), "0.008");
    EXPECT_EQ(gb_s("aws-lambda-2017", "101"), "0.2");
    EXPECT_EQ(gb_s("aws-lambda-2017", "100"), "0.1");
    EXPECT_EQ(gb_s("azure", "3"), "0.1");
    EXPECT_EQ(gb_s("azure", "101.5"), "0.102");
}

TEST(Cost, ProvidersOwnExamples) {
    // AWS, 2017: 512 MB, 3,000,000 of 1 s: 18.34 and 0.40; 128 MB, 30,000,000 of 200 ms: 5.83 and 5.80.
    EXPECT_EQ(alone("aws-lambda-2017", "memory_mb: 512, duration_ms: 1000, load: 3000000"), "18.74");
    EXPECT_EQ(alone("aws-lambda-2017", "memory_mb: 128, duration_ms: 200, load: 30000000"), "11.63");
    // OpenWhisk: 256 MB, 5,000,000 of 500 ms: 3.83.
    EXPECT_EQ(alone("openwhisk", "memory_mb: 256, duration_ms: 500, load: 5000000"), "3.83");
    // Cloud Functions: 128 MB, 10,000,000 of 300 ms: 0 for memory, 4.00 for CPU, 3.20 for calls.
    EXPECT_EQ(alone("gcf", "memory_mb: 128, duration_ms: 300, load: 10000000"), "7.20");
    // Azure: 1.5 GB, 3,000,000 of 1 s: 65.60 and 0.40.
    EXPECT_EQ(alone("azure", "memory_mb: 1536, duration_ms: 1000, load: 3000000"), "66.00");
}

TEST(Cost, CpuIsCountedBesideMemory) {
    // Cloud Run, 10,000,000 of 200 ms, 512 MiB, 1 vCPU: (2,000,000 - 180,000) · 0.000024 + (1,000,000 -
    // 360,000) · 0.0000025 + 8 · 0.40 = 43.68 + 1.60 + 3.20.
    EXPECT_EQ(alone("cloud-run", "memory_mb: 512, cpu: 1, duration_ms: 200, load: 10000000"), "48.48");
    // Code Engine, 1,000,000 of 1 s, 4 GB, so 1 vCPU: 900,000 · 0.00003431 + 3,800,000 · 0.00000356 + 0.9 ·
    // 0.538.
    EXPECT_EQ(alone("code-engine", "memory_mb: 4000, duration_ms: 1000, load: 1000000"), "44.89");
}

TEST(Cost, CyclesAreNamedFromTheirFirstEndpointOn) {
    EXPECT_EQ(
        refused(
            kPlain +
            "  front: {duration_ms: 1, load: 1, calls: {b: 1}}\n  a: {duration_ms: 1, calls: {c: 1, d: 1}}\n"
            "  b: {duration_ms: 1, calls: {a: 1}}\n  c: {duration_ms: 1, calls: {b: 1}}\n  d: {duration_ms: "
            "1}\n"),
        "calls go in a circle: a → c → b → a");
    EXPECT_EQ(refused(kPlain + "  a: {duration_ms: 1, calls: {a: 0.5}}\n"), "calls go in a circle: a → a");
}

TEST(Cost, WhatATariffDoesNotHaveIsRefused) {
    EXPECT_THAT(refused("tariff: ibm\nservices: {f: {duration_ms: 1, load: 1}}"),
                HasSubstr("no tariff \"ibm\""));
    EXPECT_THAT(refused("tariff: azure\nservices: {f: {memory_mb: 2048, duration_ms: 1, load: 1}}"),
                HasSubstr("2048 MB of memory; azure goes up to 1536 MB"));
    EXPECT_THAT(refused("tariff: gcf\nservices: {f: {memory_mb: 9000, duration_ms: 1, load: 1}}"),
                HasSubstr("8192 MB"));
    EXPECT_THAT(refused("tariff: azure\nservices: {f: {duration_ms: 1, load: 1, out_kb: 3}}"),
                HasSubstr("no price"));
    EXPECT_THAT(refused("tariff: aws-lambda-x86\nservices: {f: {duration_ms: 1, load: 1, api: soap}}"),
                HasSubstr("no api \"soap\""));
    EXPECT_THAT(refused("tariff: azure\nservices: {f: {memory_mb: 256, duration_ms: {128: 9}, load: 1}}"),
                HasSubstr("no duration_ms for 256 MB"));
    EXPECT_THAT(refused(kPlain + "  a: {duration_ms: 1, load: 1e20, calls: {b: 9}}\n  b: {duration_ms: 1}\n"),
                HasSubstr("b is called more than"));
}

TEST(Cost, WhatEveryTariffSays) {
    EXPECT_EQ(tariffs().size(), 8u);
    for (const Tariff& tariff : tariffs()) {
        EXPECT_FALSE(tariff.sources.empty()) << tariff.name;
        EXPECT_EQ(tariff.as_of.size(), 10u) << tariff.name;
        EXPECT_TRUE(tariff.memory) << tariff.name;
    }
}

}  // namespace
}  // namespace autotune
