#include "rules/memo.hpp"

#include <gtest/gtest.h>

#include "tests/rules/builders.hpp"

namespace autotune::rules {
namespace {

using namespace testing;

constexpr const char* kRules = R"(
rules:
- {name: errors, when: fn.errors > 5, for: 2s, window: 1s, plan: [{notify: {}}]}
- {name: slow, when: fn.p95 > slo.p95, window: 1s, scope: {functions: "a*"}, plan: [{notify: {}}]}
- {name: dependency, when: dep.error_rate > 0.5, window: 1s, clear_when: fn.errors == 0, plan: [{notify: {}}]}
- {name: elsewhere, when: fn.errors > 5, window: 2s, scope: {labels: {tier: prod}}, plan: [{notify: {}}]}
slo: [{p95: 1s}]
)";

std::string shown(const Plan& plan) {
    std::string out;
    for (const Action& a : plan.actions) out += a.rule + " on " + a.target.name + "; ";
    for (const Refusal& r : plan.refused) out += "not " + r.rule + " on " + r.target.name + "; ";
    return out;
}

// The same facts to an engine with a memory and to one without, tick by tick.
class Twins {
public:
    void tick(const std::vector<FunctionFacts>& functions) {
        now_ += 1s;
        std::vector<WindowFacts> facts;
        for (const Nanos window : windows(rules_)) facts.push_back({window, functions});
        Situation situation{.facts = facts, .mode = Mode::dry_run, .now = now_};
        plain_ = shown(evaluate(rules_, plain_state_, situation));
        situation.memo = &memo_;
        EXPECT_EQ(shown(evaluate(rules_, state_, situation)), plain_);
        EXPECT_EQ(state_, plain_state_);
    }
    [[nodiscard]] const std::string& plan() const { return plain_; }
    void load(const std::string& rules) { rules_ = rules_of(rules); }
    [[nodiscard]] const EngineState& state() const { return state_; }

private:
    RuleSet rules_ = rules_of(kRules);
    Memo memo_;
    EngineState state_, plain_state_;
    std::string plain_;
    WallTime now_{std::chrono::hours(500'000)};
};

TEST(Memo, GivesThePlanThatIsGivenWithoutIt) {
    Twins twins;
    const auto one = [](int errors, Nanos p95, double rate) {
        return FactsOf("abc")
            .with(Fact::fn_errors, errors)
            .with(Fact::fn_p95, p95)
            .dependency("db", {{Fact::dep_error_rate, rate}});
    };
    const auto other =
        FactsOf("xyz").with(Fact::fn_errors, 9).with(Fact::fn_p95, Nanos(9s)).label("tier", "prod");
    for (int i = 0; i < 3; ++i) twins.tick({one(9, 2s, 0.1), other});
    EXPECT_EQ(twins.plan(), "errors on abc; errors on xyz; ") << "behind `for`, the facts being as they were";
    twins.tick({one(0, 2s, 0.9), other});
    EXPECT_EQ(twins.plan(), "dependency on abc; not errors on xyz; ");
    twins.tick({one(0, 500ms, 0.1)});
    twins.tick({one(0, 500ms, 0.1), other});
    twins.tick({FactsOf("abc"), other});
    twins.tick({FactsOf("abc").label("tier", "prod").with(Fact::fn_errors, 9)});
}

TEST(Memo, ForgetsWhenTheRulesAreOthers) {
    Twins twins;
    const auto facts = FactsOf("abc").with(Fact::fn_errors, 3);
    twins.tick({facts});
    EXPECT_EQ(twins.plan(), "");
    twins.load("rules: [{name: errors, when: fn.errors > 2, window: 1s, plan: [{notify: {}}]}]");
    twins.tick({facts});
    EXPECT_EQ(twins.plan(), "errors on abc; ");
}

TEST(Engine, KeepsNoStateOfRulesThatDoNotHold) {
    Twins twins;
    twins.tick({FactsOf("abc").with(Fact::fn_errors, 0), FactsOf("xyz")});
    EXPECT_TRUE(twins.state().rules.empty());
    twins.tick({FactsOf("abc").with(Fact::fn_errors, 9)});
    EXPECT_EQ(twins.state().rules.size(), 1u);
    twins.tick({FactsOf("abc").with(Fact::fn_errors, 0)});
    EXPECT_TRUE(twins.state().rules.empty());
}

}  // namespace
}  // namespace autotune::rules
