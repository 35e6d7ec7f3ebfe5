#include "rules/condition.hpp"

#include <gtest/gtest.h>

#include "tests/rules/builders.hpp"

namespace autotune::rules {
namespace {

using namespace std::chrono_literals;
using testing::FactsOf;

Condition condition(std::string_view text) {
    CompiledCondition c = compile_condition(text);
    EXPECT_TRUE(c.condition) << text;
    return *c.condition;
}
Verdict judged(std::string_view text, const FunctionFacts& facts) {
    return holds(condition(text), facts, {});
}

TEST(Condition, LooksAtFactsOfEveryType) {
    const FunctionFacts facts = FactsOf("orders")
                                    .with(Fact::fn_errors, 3)
                                    .with(Fact::fn_error_rate, 0.25)
                                    .with(Fact::fn_p95, Nanos(2s));
    EXPECT_EQ(judged("fn.errors > 2 && fn.error_rate > 0.2 && fn.p95 > duration('1s') && fn.name == 'orders'",
                     facts)
                  .truth,
              Truth::yes);
    EXPECT_EQ(judged("fn.error_rate > 1", facts).truth, Truth::no);
}

TEST(Condition, AnUnmeasuredFactMakesItUnknown) {
    const Verdict v = judged("fn.p95 > duration('1s')", FactsOf("orders"));
    EXPECT_EQ(v.truth, Truth::unknown);
    EXPECT_EQ(v.why_unknown, "fn.p95 is not known");
    EXPECT_EQ(judged("fn.p95 > slo.p95", FactsOf("orders").with(Fact::fn_p95, Nanos(1s))).why_unknown,
              "slo.p95 is not known");
}

TEST(Condition, AnErrorMakesItUnknownToo) {
    EXPECT_EQ(judged("fn.errors / fn.timeouts > 1",
                     FactsOf("a").with(Fact::fn_errors, 1).with(Fact::fn_timeouts, 0))
                  .why_unknown,
              "error: division by zero");
}

TEST(Condition, OneDependencyMustSatisfyTheWhole) {
    const FunctionFacts split =
        FactsOf("a")
            .dependency("db", {{Fact::dep_error_rate, 0.9}, {Fact::dep_calls, std::int64_t{1}}})
            .dependency("cache", {{Fact::dep_error_rate, 0.0}, {Fact::dep_calls, std::int64_t{50}}});
    EXPECT_EQ(judged("dep.error_rate > 0.5 && dep.calls >= 10", split).truth, Truth::no);
    const FunctionFacts one =
        FactsOf("a")
            .dependency("cache", {{Fact::dep_error_rate, 0.0}, {Fact::dep_calls, std::int64_t{50}}})
            .dependency("db", {{Fact::dep_error_rate, 0.9}, {Fact::dep_calls, std::int64_t{10}}});
    const Verdict v = judged("dep.error_rate > 0.5 && dep.calls >= 10", one);
    EXPECT_EQ(v.truth, Truth::yes);
    EXPECT_EQ(v.dependency(), 1u);
}

TEST(Condition, WithoutDependenciesNoneSatisfiesIt) {
    EXPECT_EQ(judged("dep.calls >= 0", FactsOf("a")).truth, Truth::no);
}

TEST(Condition, TellsWhatItSaw) {
    const FunctionFacts facts = FactsOf("a").with(Fact::fn_errors, 3).dependency("db", {});
    const auto seen = facts_seen(condition("fn.errors > 1 && dep.name == 'db'"), facts, {}, 0);
    EXPECT_EQ(seen,
              (std::vector<std::pair<std::string, std::string>>{{"fn.errors", "3"}, {"dep.name", "db"}}));
}

TEST(Template, FillsInFacts) {
    const FunctionFacts facts = FactsOf("orders").with(Fact::fn_errors, 3).dependency("db", {});
    EXPECT_EQ(expand_template("{{fn.name}}: {{ fn.errors }} by {{dep.name}} {{fn.p95}}.", facts, 0),
              "orders: 3 by db unknown.");
    EXPECT_EQ(expand_template("{{dep.name}}", facts, std::nullopt), "unknown");
}

TEST(Template, UnknownNamesAndOpenBracesAreFound) {
    EXPECT_FALSE(check_template("no holes"));
    EXPECT_EQ(check_template("a {{fn.nam}}")->message, "there is no fact 'fn.nam'; did you mean 'fn.name'?");
    EXPECT_EQ(check_template("a {{fn.name")->offset, 2u);
}

TEST(Condition, TellsFactsOfDependenciesByTheirPlaceInTheCatalogue) {
    for (const FactInfo& fact : fact_catalogue())
        EXPECT_EQ(fact.name.starts_with("dep."), fact.fact >= Fact::dep_name) << fact.name;
}

}  // namespace
}  // namespace autotune::rules
