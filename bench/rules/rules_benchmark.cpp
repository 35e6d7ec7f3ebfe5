// What a tick of the loop costs the engine: 10,000 functions with three dependencies each, 200 rules over one
// window of 1 s, one condition in a hundred holding. Bars, on one core: from scratch 500 ms, with unchanged
// facts 100 ms; a file of 2,000 rules is loaded in 1 s. The counter `bar_ms` is the bar of each row.
#include <benchmark/benchmark.h>

#include <random>
#include <string>

#include "rules/engine.hpp"
#include "rules/yaml/load.hpp"

namespace autotune::rules {
namespace {

using namespace std::chrono_literals;

constexpr int kFunctions = 10'000;

// Conditions as people write them; # is a threshold that few functions pass.
constexpr const char* kConditions[] = {
    "fn.oom_count > 0 && fn.invocations >= 20 && fn.memory_use > #",
    "fn.timeout_rate > # && fn.oncpu_share > 0.5",
    "fn.p95 > slo.p95 && fn.io_wait_share > #",
    "fn.error_rate > # || fn.crashes > 1000",
    "fn.cold_start_share > # && fn.init_p95 > duration('1s')",
    "dep.error_rate > # && dep.calls >= 10",
    "fn.name.startsWith('orders-') && fn.error_rate > #",
    "fn.memory_use > # && !(fn.name.matches('^test-'))",
    "double(fn.errors) / double(fn.invocations + 1) > 40.0 * #",
    "[fn.cpu_share, fn.oncpu_share, fn.io_wait_share].exists(s, s > #)",
};

std::string file_of(int rules) {
    std::string out =
        "version: 1\ndefaults: {window: 1s, cooldown: 6h}\nslo:\n- {scope: {functions: 'orders-*'}, p95: "
        "200ms}\n- {p95: 400ms}\nrules:\n";
    for (int i = 0; i < rules; ++i) {
        std::string condition = kConditions[i % std::size(kConditions)];
        const std::string threshold = "0." + std::to_string(990 + i % 9);
        condition.replace(condition.find('#'), 1, threshold);
        out += "- name: rule-" + std::to_string(i) + "\n  priority: " + std::to_string(i % 7) +
               "\n  when: >-\n    " + condition + "\n  for: 5s\n  scope: {functions: '" +
               (i % 4 ? "*" : "orders-*") + "'}\n  plan:\n  - notify: {severity: warning}\n";
    }
    return out;
}

RuleSet rules_of(int count) { return *load(file_of(count), "rules.yaml").rules; }

void measure(FactSet& facts, std::mt19937& random) {
    std::uniform_real_distribution<double> share(0, 1);
    for (const FactInfo& fact : fact_catalogue()) {
        if (fact.type == FactType::number) facts.set(fact.fact, share(random));
        if (fact.type == FactType::integer) facts.set(fact.fact, static_cast<std::int64_t>(random() % 1'000));
        if (fact.type == FactType::duration) facts.set(fact.fact, Nanos(random() % 1'000'000'000));
    }
}

std::vector<WindowFacts> facts_of_all() {
    std::mt19937 random(1);
    std::vector<WindowFacts> out{{1s, std::vector<FunctionFacts>(kFunctions)}};
    for (int i = 0; i < kFunctions; ++i) {
        FunctionFacts& f = out[0].functions[static_cast<std::size_t>(i)];
        const std::string name = (i % 3 ? "payments-" : "orders-") + std::to_string(i);
        f.function = {"aws-lambda", name};
        measure(f.fn, random);
        f.fn.set(Fact::fn_name, name);
        f.fn.set(Fact::fn_version, std::string("1"));
        f.deps.resize(3);
        for (FactSet& dep : f.deps) {
            measure(dep, random);
            dep.set(Fact::dep_name, std::string("database:5432"));
        }
    }
    return out;
}

// One tick after another, a second apart; with a memory of what conditions said, or without.
class Ticks {
public:
    explicit Ticks(Memo* memo) : memo_(memo) {}
    Plan next() {
        now_ += 1s;
        return evaluate(rules_, state_, {.facts = facts_, .mode = Mode::dry_run, .now = now_, .memo = memo_});
    }
    [[nodiscard]] double holding() const {
        return 100.0 * static_cast<double>(state_.rules.size()) / (kFunctions * 200.0);
    }

private:
    const RuleSet rules_ = rules_of(200);
    const std::vector<WindowFacts> facts_ = facts_of_all();
    EngineState state_;
    Memo* memo_;
    WallTime now_{std::chrono::hours(500'000)};
};

void run(benchmark::State& state, Memo* memo, double bar_ms) {
    Ticks ticks(memo);
    for (int i = 0; i < 8; ++i) (void)ticks.next();  // behind `for`: those that hold are active
    for (auto _ : state) benchmark::DoNotOptimize(ticks.next());
    state.counters["bar_ms"] = bar_ms;
    state.counters["holding_%"] = ticks.holding();
}

void evaluate_from_scratch(benchmark::State& state) { run(state, nullptr, 500); }
BENCHMARK(evaluate_from_scratch)->Unit(benchmark::kMillisecond);

void evaluate_unchanged(benchmark::State& state) {
    Memo memo;
    run(state, &memo, 100);
}
BENCHMARK(evaluate_unchanged)->Unit(benchmark::kMillisecond);

void evaluate_first(benchmark::State& state) {
    const RuleSet rules = rules_of(200);
    const auto facts = facts_of_all();
    for (auto _ : state) {
        EngineState fresh;
        benchmark::DoNotOptimize(
            evaluate(rules, fresh, {.facts = facts, .now = WallTime(std::chrono::hours(500'000))}));
    }
    state.counters["bar_ms"] = 500;
}
BENCHMARK(evaluate_first)->Unit(benchmark::kMillisecond);

void load_2000_rules(benchmark::State& state) {
    const std::string text = file_of(2'000);
    for (auto _ : state) benchmark::DoNotOptimize(load(text, "rules.yaml"));
    state.counters["bar_ms"] = 1'000;
    state.counters["bytes"] = static_cast<double>(text.size());
}
BENCHMARK(load_2000_rules)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace autotune::rules
