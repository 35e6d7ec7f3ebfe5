#include "rules/cost/model.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "rules/cost/tariff.hpp"

namespace autotune::rules {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> told(const std::vector<Diagnostic>& diagnostics) {
    std::vector<std::string> out;
    for (const Diagnostic& d : diagnostics) out.push_back(format(d, "m"));
    return out;
}

std::vector<std::string> mistakes(const std::string& text, Syntax syntax = Syntax::yaml) {
    const LoadedCostModel loaded = load_cost_model(text, syntax);
    EXPECT_FALSE(loaded.model);
    return told(loaded.diagnostics);
}

TEST(CostModelFile, YamlAndJsonSayTheSame) {
    const LoadedCostModel yaml = load_cost_model(
        "version: 1\ntariff: gcf\nservices:\n"
        "  a: {memory_mb: 256, duration_ms: {256: 12.5}, load: 1e6, calls: {b/x: {n: 3, p: 0.4}}}\n"
        "  b: {endpoints: {x: {duration_ms: 1}}}\n",
        Syntax::yaml);
    const LoadedCostModel json = load_cost_model(
        R"({"version": 1, "tariff": "gcf", "services": {
             "a": {"memory_mb": 256, "duration_ms": {"256": 12.5}, "load": 1e6, "calls": {"b\/x": {"n": 3, "p": 0.4}}},
             "b": {"endpoints": {"x": {"duration_ms": 1}}}}})",
        Syntax::json);
    for (const LoadedCostModel* loaded : {&yaml, &json}) {
        ASSERT_TRUE(loaded->model) << told(loaded->diagnostics).front();
        const CostModel& m = *loaded->model;
        ASSERT_EQ(m.endpoints.size(), 2u);
        EXPECT_EQ(m.endpoints[0].load, Decimal(1'000'000));
        EXPECT_EQ(m.endpoints[0].duration_at.at(256), *Decimal::parse("12.5"));
        EXPECT_EQ(m.endpoints[0].calls[0].to, 1u);
        EXPECT_EQ(m.endpoints[0].calls[0].times, *Decimal::parse("1.2"));
        EXPECT_EQ(m.endpoints[1].name, "b/x");
        EXPECT_EQ(m.services[1].tariff, "gcf");
    }
}

TEST(CostModelFile, EveryMistakeIsToldWithItsPlace) {
    EXPECT_THAT(mistakes("version: 1\nservices:\n  a: {duration_ms: 1, calls: {chekout: 1}}\n  checkout: "
                         "{memory_mb: 1.5, duration_ms: -1}\n"
                         "  c: {kind: instance, endpoints: {x: {}}}\n  d: {load: 1}\n  e: {endpoints: {y: "
                         "{duration_ms: 1}}}\n"
                         "  f: {duration_ms: 1, calls: {e: 1, d: {p: 2}}}\n"),
                ElementsAre("m:4:25: 'memory_mb' must be a whole number, this is '1.5'",
                            "m:4:43: 'duration_ms' may not be negative",
                            "m:5:3: an instance service needs one of usd_per_hour and usd_per_period",
                            "m:5:35: 'c/x' needs one of share and capacity: what a call takes of an instance",
                            "m:6:3: 'd' needs duration_ms, or usd: {compute: …}",
                            "m:3:31: there is no endpoint 'chekout'; did you mean 'checkout'?",
                            "m:8:31: there is no endpoint 'e'; that service has several, such as 'e/y'",
                            "m:8:40: 'p' is a probability, 0 to 1; how often is 'n'"));
    EXPECT_THAT(mistakes(""), ElementsAre("m: the model is empty"));
    EXPECT_THAT(mistakes("version: 1\n"), ElementsAre("m:1:1: 'services' are missing"));
    EXPECT_THAT(mistakes("version: 1\nservices: {a: {duration_ms: 1, laod: 2}}\n"),
                ElementsAre("m:2:32: unknown key 'laod' in service 'a'; did you mean 'load'?"));
}

TEST(CostModelFile, ATariffMustSayWhereItIsFrom) {
    const LoadedTariff loaded = load_tariff(
        "version: 1\nname: x\ntitle: x\nas_of: \"2026-01-01\"\nrequests: {tiers: [{up_to: 5, usd: 1}, "
        "{up_to: 3, usd: 1}]}\n");
    EXPECT_FALSE(loaded.tariff);
    EXPECT_THAT(told(loaded.diagnostics),
                ElementsAre("m:1:1: 'sources' is missing",
                            "m:5:11: the ends of tiers (up_to) must rise, and the last has none"));
}

TEST(Json, MistakesAreToldWithTheirPlace) {
    const auto first = [](const std::string& text) {
        const YamlDocument d = parse_json(text);
        EXPECT_FALSE(d.root);
        return d.diagnostics.empty() ? "nothing" : format(d.diagnostics[0], "j");
    };
    EXPECT_EQ(first("{\n  \"a\": 1\n  \"b\": 2}"), "j:3:3: ',' or '}' is expected; this is '\"'");
    EXPECT_EQ(first("{\"a\": 1,}"), "j:1:9: a key in quotes is expected; this is '}'");
    EXPECT_EQ(first("{\"a\": 1, \"a\": 2}"), "j:1:10: duplicate key 'a', first given on line 1");
    EXPECT_EQ(first("[01]"), "j:1:2: '01' is no value of JSON; text stands in quotes");
    EXPECT_EQ(first("[yes]"), "j:1:2: 'yes' is no value of JSON; text stands in quotes");
    EXPECT_EQ(first("[\"a\nb\"]"), "j:1:4: the line ends within quotes; write \\n");
    EXPECT_EQ(first("[\"\\ud800x\"]"), "j:1:9: the second half of a surrogate is missing");
    EXPECT_EQ(first("{} {}"), "j:1:4: text after the end of the document");
    EXPECT_EQ(first(""), "j:1:1: a value is missing; the file ends here");
    EXPECT_EQ(first("[\"\xff\"]"), "j: the file is not UTF-8");
    EXPECT_EQ(first(std::string(300, '[')), "j:1:202: nested more than 200 deep");
}

TEST(Json, TextMeansWhatItsEscapesSay) {
    const YamlDocument d = parse_json(R"( ["\"\\\/\b\f\n\r\t\u00e9\uD83D\ude00", -1.5e+3, null, true] )");
    ASSERT_TRUE(d.root);
    EXPECT_EQ(d.root->children[0].text, "\"\\/\b\f\n\r\té😀");
    EXPECT_EQ(d.root->children[1].text, "-1.5e+3");
    EXPECT_EQ(d.root->children[2].kind, YamlNode::Kind::null);
    EXPECT_EQ(d.root->children[3].text, "true");
    EXPECT_EQ(d.root->children[3].at, (Position{1, 56}));
}

TEST(Json, DamagedTextHasAnAnswer) {
    const std::string whole = R"({"a": [1, -2.5e3, "x\u00e9\n", {"b": null, "c": true}], "d": {}})";
    constexpr std::string_view kBytes = "{}[]:,\"\\u0eE.-+ntf\n \xff\xc3";
    std::mt19937 random(5);
    for (int round = 0; round < 3000; ++round) {
        std::string text = whole.substr(0, random() % (whole.size() + 1));
        for (int i = 0; i < 2 && !text.empty(); ++i)
            text[random() % text.size()] = kBytes[random() % kBytes.size()];
        const YamlDocument d = parse_json(text);
        EXPECT_EQ(d.root.has_value(), d.diagnostics.empty()) << text;
    }
}

}  // namespace
}  // namespace autotune::rules
