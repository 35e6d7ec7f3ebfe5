#include "rules/yaml/load.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/rules/builders.hpp"

namespace autotune::rules {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::string_view kRule = "- {name: a, when: fn.errors > 0, plan: [{notify: {}}]}\n";

std::vector<std::string> said(std::string_view text) {
    std::vector<std::string> out;
    for (const Diagnostic& d : load(text, "r.yaml").diagnostics) out.push_back(format(d, "r.yaml"));
    return out;
}
// What is said of a rule with this line in it.
std::vector<std::string> said_of(const std::string& line) {
    return said("version: 1\nrules:\n- name: a\n  when: fn.errors > 0\n  plan: [{notify: {}}]\n  " + line +
                "\n");
}

TEST(Load, CompilesEveryKeyOfARule) {
    const RuleSet set = testing::rules_of(R"(
defaults: {mode: apply, cooldown: 1h, max_actions_per_day: 5, window: 10m}
guardrails:
  budget: {max_cost_increase_pct: 20}
  blast_radius: {max_concurrent_changes: 2, max_canary_weight: 0.2}
  freeze_when: [oom]
rules:
- name: oom
  priority: 100
  scope: {functions: "orders-*", labels: {tier: prod}}
  when: fn.oom_count > 0
  window: 1m30s
  for: 5s
  cooldown: 2h
  clear_when: fn.oom_count == 0
  clear_for: 1h
  max_actions_per_day: 1
  plan:
  - resize: {strategy: oom-bump, max_bumps: 2, if: fn.memory_mb < 1000}
  - notify: {severity: critical, suggest: map-reduce}
  canary: {latency_margin: 0.2, error_margin: 0.02, alpha: 0.01, beta: 0.1, horizon: 3h, on_hold: wait, weight: 0.15}
  mode: dry-run
  effect: freeze-dependents
  annotations: {summary: "{{fn.name}} is full", runbook: "read on"}
- {name: other, when: fn.errors > 0, plan: [{notify: {}}]}
)");
    ASSERT_EQ(set.rules.size(), 2u);
    const Rule& r = set.rules[0];
    EXPECT_EQ(r.priority, 100);
    EXPECT_EQ(r.scope.functions, "orders-*");
    EXPECT_EQ(r.scope.labels.at("tier"), "prod");
    EXPECT_EQ(r.window, 90s);
    EXPECT_EQ(r.hold_for, 5s);
    EXPECT_EQ(r.cooldown, 2h);
    EXPECT_EQ(r.clear_when->text, "fn.oom_count == 0");
    EXPECT_EQ(r.clear_for, 1h);
    EXPECT_EQ(r.max_actions_per_day, 1u);
    EXPECT_EQ(std::get<ResizeStep>(r.plan.at(0).what).max_bumps, 2u);
    EXPECT_EQ(r.plan[0].only_if->text, "fn.memory_mb < 1000");
    EXPECT_EQ(std::get<NotifyStep>(r.plan.at(1).what).severity, Severity::critical);
    EXPECT_EQ(r.canary, (CanaryPolicy{0.2, 0.02, 0.01, 0.1, 0.15, 3h, CanaryPolicy::OnHold::keep_waiting}));
    EXPECT_EQ(r.mode, Mode::dry_run);
    EXPECT_TRUE(r.freezes_dependents);
    EXPECT_EQ(set.rules[1].mode, Mode::apply);
    EXPECT_EQ(set.rules[1].cooldown, 1h);
    EXPECT_EQ(set.rules[1].window, 10min);
    EXPECT_EQ(set.guardrails.max_cost_increase_pct, 20);
    EXPECT_EQ(set.guardrails.max_concurrent_changes, 2u);
    EXPECT_EQ(windows(set), (std::vector<Nanos>{90s, 10min}));
}

TEST(Load, TellsAllMistakesInOneRunWithTheirPlaces) {
    EXPECT_THAT(
        said("version: 1\n"
             "defualts: {}\n"
             "rules:\n"
             "- name: a\n"
             "  when: fn.oom_cuont > 0\n"
             "  windw: 5m\n"
             "  plan: [{resize: {strategy: oom-bmp}}, {notfy: {}}]\n"),
        ElementsAre(
            "r.yaml:2:1: unknown key 'defualts' in a rules file; did you mean 'defaults'?",
            "r.yaml:5:12: in 'when': there is no 'fn.oom_cuont'; did you mean 'fn.oom_count'?",
            "r.yaml:6:3: unknown key 'windw' in a rule; did you mean 'window'?",
            "r.yaml:7:30: 'strategy' must be one of oom-bump, timeout, auto; this is 'oom-bmp'; did you "
            "mean 'oom-bump'?",
            "r.yaml:7:42: unknown plan step 'notfy'; did you mean 'notify'?"));
}

TEST(Load, RefusesWhatYamlReadersDisagreeOn) {
    EXPECT_THAT(said_of("priority: 010"),
                ElementsAre("r.yaml:6:13: '010' is read as different numbers by different "
                            "YAML readers; write 10, without leading zeros"));
    EXPECT_THAT(said_of("priority: 1_000"), ElementsAre(HasSubstr("write it as a decimal number")));
    EXPECT_THAT(said_of("scope: {labels: {beta: on}}"),
                ElementsAre(HasSubstr("'on' is a boolean to YAML readers, put it in quotes")));
    EXPECT_THAT(said_of("scope: {labels: {beta: \"on\"}}"), ElementsAre());
    EXPECT_THAT(said_of("mode: yes"),
                ElementsAre(HasSubstr("'mode' must be one of dry-run, apply; this is 'yes'")));
    EXPECT_THAT(said_of("<<: {priority: 1}"), ElementsAre(HasSubstr("merge keys")));
    EXPECT_THAT(said_of("priority: !!int 5"),
                ElementsAre(HasSubstr("tags are not allowed"), HasSubstr("whole number")));
}

TEST(Load, RefusesDuplicateKeysWherever) {
    EXPECT_THAT(said_of("when: fn.errors > 1"),
                ElementsAre("r.yaml:6:3: duplicate key 'when', first given on line 4"));
    EXPECT_THAT(said_of("canary: {alpha: 0.1, alpha: 0.2}"),
                ElementsAre(HasSubstr("r.yaml:6:24: duplicate key 'alpha'")));
    EXPECT_THAT(said("version: 1\nrules:\n" + std::string(kRule) + std::string(kRule)),
                ElementsAre("r.yaml:4:3: duplicate rule 'a', first given on line 3"));
}

TEST(Load, RefusesWrongTypesAndRanges) {
    EXPECT_THAT(said_of("for: 5"), ElementsAre(HasSubstr("it needs a unit: 5s")));
    EXPECT_THAT(said_of("for: -5s"), ElementsAre(HasSubstr("may not be negative")));
    EXPECT_THAT(said_of("window: 0s"), ElementsAre(HasSubstr("at least 1s")));
    EXPECT_THAT(said_of("priority: high"),
                ElementsAre("r.yaml:6:13: 'priority' must be a whole number, this is 'high'"));
    EXPECT_THAT(said_of("priority: 1.5"), ElementsAre(HasSubstr("must be a whole number")));
    EXPECT_THAT(said_of("priority: \"5\""), ElementsAre(HasSubstr("this is the text '5'")));
    EXPECT_THAT(said_of("max_actions_per_day: -1"), ElementsAre(HasSubstr("between 0 and")));
    EXPECT_THAT(said_of("canary: {alpha: 0}"),
                ElementsAre(HasSubstr("'alpha' must be between 0.0001 and 0.5")));
    EXPECT_THAT(said_of("canary: [1]"),
                ElementsAre(HasSubstr("'canary' must be a map (key: value), this is a list")));
    EXPECT_THAT(said_of("scope: {functions: [a]}"),
                ElementsAre(HasSubstr("'functions' must be text, this is a list")));
    EXPECT_THAT(said_of("clear_when: fn.errors"),
                ElementsAre(HasSubstr("a condition must be bool, this is int")));
    EXPECT_THAT(said_of("annotations: {summary: \"{{fn.nmae}}\"}"),
                ElementsAre(HasSubstr("r.yaml:6:29: in 'summary': there is no "
                                      "fact 'fn.nmae'; did you mean 'fn.name'?")));
}

TEST(Load, NeedsVersionNameConditionAndPlan) {
    EXPECT_THAT(said("rules:\n" + std::string(kRule)),
                ElementsAre("r.yaml:1:1: the file needs 'version: 1'"));
    EXPECT_THAT(said("version: 2\nrules:\n" + std::string(kRule)),
                ElementsAre(HasSubstr("'version' must be between 1 and 1")));
    EXPECT_THAT(said("version: 1\n"), ElementsAre(HasSubstr("the file needs 'rules'")));
    EXPECT_THAT(said("version: 1\nrules:\n- {priority: 1}\n"),
                ElementsAre("r.yaml:3:3: a rule needs 'name'", "r.yaml:3:3: a rule needs 'when'",
                            "r.yaml:3:3: a rule needs 'plan'"));
    EXPECT_THAT(said(""), ElementsAre("r.yaml: the file is empty"));
    EXPECT_THAT(said("- a\n"), ElementsAre(HasSubstr("a rules file must be a map")));
}

TEST(Load, PointsIntoExpressionsOfSeveralLines) {
    EXPECT_THAT(said("version: 1\nrules:\n- name: a\n  when: |\n    fn.errors > 0 &&\n    fn.foo == 1\n  "
                     "plan: [{notify: {}}]\n"),
                ElementsAre("r.yaml:6:8: in 'when': there is no 'fn.foo'"));
}

TEST(Load, SaysWhatIsUnderstoodButNotCarriedOut) {
    const auto warnings = said(
        "version: 1\nrules:\n- {name: a, when: fn.errors > 0, plan: [{map_reduce: {}}]}\n");
    EXPECT_THAT(warnings,
                ElementsAre("r.yaml:3:42: warning: 'map_reduce' is understood but not carried out by this "
                            "version; it will be reported as a suggestion"));
    for (const char* step :
         {"recluster: {op: split, target: private-callees}",
          "relocate: {near: dep.slowest}", "resize: {strategy: \"balanced:0.5\"}"}) {
        const Loaded loaded = load(
            "version: 1\nrules:\n- {name: a, when: fn.errors > 0, plan: [{" + std::string(step) + "}]}\n",
            "r");
        EXPECT_TRUE(loaded.rules) << step;
        EXPECT_EQ(loaded.diagnostics.size(), 1u) << step;
    }
}

const WrapStep& remedy_of(const RuleSet& set) { return std::get<WrapStep>(set.rules.at(0).plan.at(0).what); }
RuleSet with_step(const std::string& step) {
    return testing::rules_of("rules:\n- {name: a, when: fn.errors > 0, plan: [{" + step + "}]}\n");
}

TEST(Load, RemediesAreWhatTheWrapperReads) {
    const auto cache = with_step("cache: {of: results, safe: true, key: event.sku, ttl: 5m, token: b}");
    EXPECT_EQ(remedy_of(cache).settings,
              R"({"key":"event.sku","most_mb":16.0,"of":"results","token":"b","ttl_s":300.0})");
    EXPECT_EQ(remedy_of(cache).words, "cache results by event.sku for 300s");
    EXPECT_EQ(remedy_of(with_step("cache: {}")).words, "cache answers of services for 60s");
    const auto handover = with_step("handover: {hops: 4, margin: 200ms}");
    EXPECT_EQ(remedy_of(handover).settings, R"({"answer":"wait","hops":4,"margin_s":0.2})");
    EXPECT_EQ(remedy_of(handover).pieces, 5u);
    EXPECT_EQ(remedy_of(with_step("handover: {answer: event}")).pieces, 0u);
    const auto relocate = with_step("relocate: {places: [{region: eu-west-1}, {name: edge, region: us-east-1, endpoint: 'http://x'}]}");
    EXPECT_EQ(remedy_of(relocate).settings,
              R"({"places":[{"name":"eu-west-1","region":"eu-west-1"},{"endpoint":"http://x","name":"edge","region":"us-east-1"}],"tries":5})");
    EXPECT_EQ(remedy_of(relocate).words, "relocate to the quickest of here, eu-west-1, edge");
    EXPECT_EQ(remedy_of(with_step("map_reduce: {over: event.items, part: 10, reduce: sum}")).settings,
              R"({"concurrency":8,"over":"event.items","part":10,"reduce":"sum"})");
}

TEST(Load, ARemedyThatWouldBeWrongIsAnError) {
    const auto told = [](const std::string& step) {
        return said("version: 1\nrules:\n- {name: a, when: fn.errors > 0, plan: [{" + step + "}]}\n");
    };
    EXPECT_THAT(told("cache: {of: results}"), ElementsAre(HasSubstr("3:49: to keep results, say 'safe: true'")));
    EXPECT_THAT(told("cache: {key: event.sku}"), ElementsAre(HasSubstr("'key' is for 'of: results'")));
    EXPECT_THAT(told("map_reduce: {over: items}"), ElementsAre(HasSubstr("a place in the input")));
    EXPECT_THAT(told("map_reduce: {over: event..items}"), ElementsAre(HasSubstr("a place in the input")));
    EXPECT_THAT(told("map_reduce: {over: event.items, reduce: maximum}"), ElementsAre(HasSubstr("module.function")));
    EXPECT_THAT(told("relocate: {places: []}"), ElementsAre(HasSubstr("names no place")));
    EXPECT_THAT(told("relocate: {places: [{endpoint: 'http://x'}]}"),
                Contains(HasSubstr("a place needs its 'region'")));
    EXPECT_THAT(told("handover: {hops: 0}"), ElementsAre(HasSubstr("'hops'")));
}

TEST(Load, WarnsOfAnObjectiveThatNobodyDeclared) {
    const std::string rule = "rules:\n- {name: a, when: fn.p95 > slo.p95, plan: [{notify: {}}]}\n";
    EXPECT_THAT(said("version: 1\n" + rule), ElementsAre(HasSubstr("warning: 'a' needs slo.p95")));
    EXPECT_THAT(said("version: 1\nslo: [{p95: 1s}]\n" + rule), ElementsAre());
}

TEST(Load, TheFirstObjectiveThatMatchesCounts) {
    const RuleSet set = testing::rules_of(
        "slo:\n- {scope: {functions: \"a*\"}, p95: 1s}\n- {p95: 2s, error_rate: 0.5}\nrules: []\n");
    const auto p95 = static_cast<std::size_t>(SloFact::p95),
               rate = static_cast<std::size_t>(SloFact::error_rate);
    const SloValues of_a = slo_of(set, testing::FactsOf("alpha")),
                    of_b = slo_of(set, testing::FactsOf("beta"));
    EXPECT_EQ(of_a[p95], FactValue(Nanos(1s)));
    EXPECT_EQ(of_a[rate], FactValue(0.5));
    EXPECT_EQ(of_b[p95], FactValue(Nanos(2s)));
}

TEST(Load, FreezeWhenMustNameARule) {
    EXPECT_THAT(said("version: 1\nguardrails: {freeze_when: [b]}\nrules:\n" + std::string(kRule)),
                ElementsAre(HasSubstr("r.yaml:2:28: 'freeze_when' names no rule: 'b'")));
}

TEST(Load, ApprovalIsRequiredForKnownKinds) {
    const auto of = [](const std::string& kind) {
        return said("version: 1\nguardrails:\n  approval: {required_for: [" + kind + "]}\nrules:\n" +
                    std::string(kRule));
    };
    for (const char* kind : {"resize", "recluster", "map_reduce", "handover", "cache", "relocate", "concurrency", "keep_warm"})
        EXPECT_THAT(of(kind), Not(Contains(HasSubstr("'required_for' takes")))) << kind;
    EXPECT_THAT(
        of("reclustre"),
        ElementsAre("r.yaml:3:29: 'required_for' takes kinds of plan step that change something: resize, "
                    "recluster, map_reduce, handover, cache, relocate, concurrency, keep_warm; this is 'reclustre'; did you mean "
                    "'recluster'?"));
    EXPECT_THAT(of("notify"), ElementsAre(HasSubstr("this is 'notify'")));
    EXPECT_THAT(said("version: 1\nguardrails: {approval: {expires: 10s}}\nrules:\n" + std::string(kRule)),
                ElementsAre("r.yaml:2:34: 'expires' must be at least 1m: people need time"));
}

TEST(Load, AReservationNeedsABound) {
    const auto of = [](const std::string& step) {
        return said("version: 1\nrules:\n- {name: a, when: fn.throttles > 0, plan: [{concurrency: " + step + "}]}\n");
    };
    EXPECT_TRUE(of("{most: 20, reserve: 5}").empty());
    EXPECT_THAT(of("{}"), ElementsAre(HasSubstr("'concurrency' needs 'most'")));
    EXPECT_THAT(of("{most: 0}"), Not(::testing::IsEmpty()));
    EXPECT_THAT(of("{most: 4, reserve: 5}"), ElementsAre(HasSubstr("'reserve' is more than 'most'")));
    EXPECT_THAT(of("{most: 4, least: 1}"), ElementsAre(HasSubstr("least")));
}

TEST(Load, WhatIsKeptWarmNeedsABound) {
    const auto of = [](const std::string& step) {
        return said("version: 1\nrules:\n- {name: a, when: fn.cold_starts > 0, plan: [{" + step + "}]}\n");
    };
    EXPECT_TRUE(of("keep_warm: {most: 20, if: fn.errors == 0}").empty());
    EXPECT_THAT(of("keep_warm: {}"), ElementsAre(HasSubstr("'keep_warm' needs 'most'")));
    EXPECT_THAT(of("keep_warm: {most: 0}"), Not(::testing::IsEmpty()));
    EXPECT_THAT(of("keep_warm: {most: 4, reserve: 1}"), ElementsAre(HasSubstr("reserve")));
    EXPECT_THAT(of("keep-warm: {most: 4}"), ElementsAre(HasSubstr("unknown plan step 'keep-warm'; did you mean 'keep_warm'")));
}

TEST(Load, CanaryWeightStaysWithinTheGuardrail) {
    const RuleSet set = testing::rules_of("guardrails: {blast_radius: {max_canary_weight: 0.05}}\nrules:\n" +
                                          std::string(kRule));
    EXPECT_EQ(set.rules.at(0).canary.weight, 0.05);
}

TEST(Load, AnchorsAreExpanded) {
    const RuleSet set = testing::rules_of(
        "rules:\n- {name: a, when: &c fn.errors > 0, plan: &p [{notify: {}}]}\n"
        "- {name: b, when: *c, plan: *p}\n");
    EXPECT_EQ(set.rules.at(1).when.text, "fn.errors > 0");
}

TEST(Load, AliasesMayNotExplode) {
    std::string bomb = "version: 1\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
    for (int i = 1; i < 12; ++i) {
        const std::string last = "*a" + std::to_string(i - 1);
        bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + last;
        for (int k = 1; k < 10; ++k) bomb += ", " + last;
        bomb += "]\n";
    }
    EXPECT_THAT(said(bomb), ::testing::Contains(HasSubstr("more than 20000 values")));
}

}  // namespace
}  // namespace autotune::rules
