// macros, lists, includes and maintenance windows: from text to what the engine does.
#include <gtest/gtest.h>

#include <map>

#include "rules/cel/instant.hpp"
#include "tests/rules/builders.hpp"

namespace autotune::rules {
namespace {

using namespace testing;

// The file "d/rules.yaml", and those that it can include by their paths.
std::string told(const std::string& text, const std::map<std::string, std::string>& files = {}) {
    const Loaded loaded =
        load("version: 1\n" + text, "d/rules.yaml", [&](const std::string& path) -> Result<std::string> {
            const auto found = files.find(path);
            if (found == files.end()) return fail(Errc::not_found, "reading " + path + ": No such file");
            return found->second;
        });
    std::string out;
    for (const Diagnostic& d : loaded.diagnostics) out += format(d, "rules.yaml") + "\n";
    if (loaded.rules)
        for (const Rule& r : loaded.rules->rules) out += r.name + " ";
    return out;
}
std::string rule(const std::string& when) {
    return "rules: [{name: r, when: '" + when + "', plan: [{notify: {}}]}]\n";
}

TEST(Macros, StandForWhatIsWrittenInThem) {
    Loop loop(
        "macros:\n  busy: fn.invocations >= 20\n  failing: busy && fn.error_rate > 0.1 || fn.crashes > 0\n" +
        rule("failing && fn.name == \"a\""));
    const auto a = FactsOf("a").with(Fact::fn_invocations, 20).with(Fact::fn_crashes, 0);
    EXPECT_EQ(loop.facts({FactsOf(a).with(Fact::fn_error_rate, 0.2)}).tick().actions.size(), 1u);
    EXPECT_EQ(loop.facts({FactsOf("b").with(Fact::fn_crashes, 3)}).tick().actions.size(), 0u)
        << "|| of the macro does not reach out of it";
}

TEST(Macros, AreNotCaughtByVariablesAroundThem) {
    EXPECT_EQ(told("macros: {busy: fn.invocations > 1}\n" + rule("[1].exists(fn, busy && fn == 1)")), "r ");
    EXPECT_EQ(told("macros: {busy: fn.invocations > 1}\n" + rule("[true].exists(busy, busy)")), "r ");
}

TEST(Macros, AreCheckedWhereTheyStandAndUsedByTheirType) {
    EXPECT_EQ(told("macros:\n  busy: fn.invocation > 1\n" + rule("true")),
              "rules.yaml:3:12: in 'busy': there is no 'fn.invocation'; did you mean 'fn.invocations'?\n");
    EXPECT_EQ(told("macros:\n  later: sooner\n  sooner: 1\n" + rule("true")),
              "rules.yaml:3:10: in 'later': there is no 'sooner'\n");
    EXPECT_EQ(told("macros: {calls: fn.invocations}\n" + rule("calls")),
              "rules.yaml:3:26: in 'when': a condition must be bool, this is int\n");
    for (const char* name : {"fn", "if", "a b", "int", ""})
        EXPECT_NE(
            told("macros: {\"" + std::string(name) + "\": 1}\n" + rule("true")).find("cannot be defined"),
            std::string::npos)
            << name;
    EXPECT_NE(told("macros: {a: 1}\nlists: {a: [1]}\n" + rule("true")).find("'a' is defined twice"),
              std::string::npos);
}

TEST(Macros, AreBoundedWhenWrittenOut) {
    std::string text = "macros:\n  a0: fn.errors + fn.errors\n";
    for (int i = 1; i < 40; ++i) {
        const std::string before = "a" + std::to_string(i - 1);
        text += "  a" + std::to_string(i) + ": " + before + " + " + before + "\n";
    }
    EXPECT_NE(told(text + rule("true")).find("with its macros written out the expression is too large"),
              std::string::npos);
}

TEST(Lists, AreValuesOfConditions) {
    Loop loop(
        "lists: {critical: [checkout, payments], sizes: [128, 256], shares: [0.5, 0.25], none: []}\n" +
        rule("fn.name in critical && !(fn.memory_mb in sizes) && shares.all(s, s < 1.0) && none == []"));
    EXPECT_EQ(loop.facts({FactsOf("checkout").with(Fact::fn_memory_mb, 512)}).tick().actions.size(), 1u);
    EXPECT_EQ(loop.facts({FactsOf("stock").with(Fact::fn_memory_mb, 512)}).tick().actions.size(), 0u);
    EXPECT_EQ(told("lists: {mixed: [a, 1]}\n" + rule("true")),
              "rules.yaml:2:20: the elements of 'mixed' are of different types\n");
    EXPECT_NE(told("lists: {odd: [010]}\n" + rule("true")).find("'010'"), std::string::npos);
}

TEST(Include, GivesRulesListsMacrosAndObjectives) {
    const std::map<std::string, std::string> files{
        {"d/common/base.yaml",
         "version: 1\ninclude: [words.yaml]\nrules: [{name: base, when: busy, plan: [{notify: {}}]}]\n"},
        {"d/common/words.yaml", "version: 1\nmacros: {busy: fn.invocations > 1}\nslo: [{p95: 1s}]\n"}};
    EXPECT_EQ(
        told("include: [common/base.yaml, common/words.yaml]\n" + rule("busy && fn.p95 > slo.p95"), files),
        "base r ")
        << "each file once";
}

TEST(Include, TellsMistakesWithTheFileTheyAreIn) {
    EXPECT_EQ(told("include: [a.yaml]\n" + rule("true"),
                   {{"d/a.yaml", "version: 1\nrules: [{name: x, when: 1}]\n"}}),
              "d/a.yaml:2:9: a rule needs 'plan'\nd/a.yaml:2:25: in 'when': a condition must be bool, this "
              "is int\n");
    EXPECT_EQ(told("include: [no.yaml]\n" + rule("true")),
              "rules.yaml:2:11: reading d/no.yaml: No such file\n");
    EXPECT_EQ(
        told("include: [a.yaml]\n" + rule("true"), {{"d/a.yaml", "version: 1\ndefaults: {mode: apply}\n"}}),
        "d/a.yaml:2:1: unknown key 'defaults' in an included file\n");
    EXPECT_EQ(load("version: 1\ninclude: [a.yaml]\n", "rules.yaml").diagnostics.front().message,
              "'include' is not possible here");
    EXPECT_NE(told("include: [rules.yaml, ./rules.yaml]\n" + rule("true"),
                   {{"d/./rules.yaml", "version: 1\ninclude: [./rules.yaml]\n"},
                    {"d/././rules.yaml", "version: 1\n"}}),
              "");
}

TEST(Maintenance, ChangesWaitForTheirTime) {
    const std::string rules =
        "guardrails: {maintenance: [{days: [sat], from: \"23:00\", to: \"02:00\", zone: \"+01:00\"}]}\n"
        "rules: [{name: r, when: fn.oom_count > 0, plan: [{resize: {}}]}, {name: tell, when: fn.oom_count > "
        "0, "
        "plan: [{notify: {}}]}]\n";
    // 2027-01-15 is a Friday.
    const auto allowed = [&](const char* time) {
        const RuleSet set = rules_of(rules);
        EngineState state;
        const std::vector<WindowFacts> facts{{windows(set)[0], {out_of_memory("a")}}};
        const std::map<std::string, Capabilities> platforms{{"aws-lambda", kLambda}};
        const auto at = cel::between({}, *cel::parse_instant(time));
        const Plan plan =
            evaluate(set, state, {.facts = facts, .platforms = &platforms, .now = WallTime(*at)});
        for (const Refusal& r : plan.refused) EXPECT_EQ(r.reason, "outside of the maintenance windows");
        return plan.actions.size() == 2;  // the notification always
    };
    EXPECT_FALSE(allowed("2027-01-15T22:30:00Z")) << "Friday";
    EXPECT_FALSE(allowed("2027-01-16T21:59:59Z"));
    EXPECT_TRUE(allowed("2027-01-16T22:00:00Z"));
    EXPECT_TRUE(allowed("2027-01-17T00:59:59Z")) << "it began on Saturday";
    EXPECT_FALSE(allowed("2027-01-17T01:00:00Z"));
    EXPECT_FALSE(allowed("2027-01-17T22:30:00Z")) << "Sunday";
}

TEST(Maintenance, IsReadStrictly) {
    const auto window = [](const std::string& w) {
        return told("guardrails: {maintenance: [" + w + "]}\n" + rule("true"));
    };
    EXPECT_EQ(window("{days: [mon, fri], from: \"08:00\", to: \"24:00\"}"), "r ");
    EXPECT_NE(window("{from: 22:00}").find("put it in quotes"), std::string::npos);
    EXPECT_NE(window("{from: \"25:00\"}").find("must be a time"), std::string::npos);
    EXPECT_NE(window("{days: [monday]}").find("a day is one of"), std::string::npos);
    EXPECT_NE(window("{days: []}").find("never"), std::string::npos);
    EXPECT_NE(window("{zone: Nowhere/Else}").find("there is no time zone"), std::string::npos);
    EXPECT_NE(window("{from: \"08:00\", to: \"08:00\"}").find("another time"), std::string::npos);
}

}  // namespace
}  // namespace autotune::rules
