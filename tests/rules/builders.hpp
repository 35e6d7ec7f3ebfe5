// Facts, rules and situations in one expression each, for the tests of the Plan room.
#pragma once

#include <gtest/gtest.h>

#include <concepts>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "rules/engine.hpp"
#include "rules/yaml/load.hpp"

namespace autotune::rules::testing {

using namespace std::chrono_literals;

inline const Capabilities kLambda{.versions = true,
                                  .weighted_routing = true,
                                  .layers = true,
                                  .concurrency = true,
                                  .warm = true,
                                  .memory_min_mb = 128,
                                  .memory_max_mb = 10240,
                                  .memory_step_mb = 1};

// FunctionFacts whose measurements are given one by one: `FactsOf("orders").with(Fact::fn_errors, 3)`.
class FactsOf {
public:
    explicit FactsOf(std::string name) {
        facts_.function = {"aws-lambda", name};
        facts_.fn.set(Fact::fn_name, std::move(name));
    }
    FactsOf& with(Fact fact, FactValue value) {
        facts_.fn.set(fact, std::move(value));
        return *this;
    }
    // Only for int itself: a double would be cut.
    FactsOf& with(Fact fact, std::same_as<int> auto value) {
        return with(fact, FactValue(std::int64_t{value}));
    }
    FactsOf& label(const std::string& name, std::string value) {
        facts_.labels[name] = std::move(value);
        return *this;
    }
    FactsOf& dependency(std::string name, std::vector<std::pair<Fact, FactValue>> values) {
        FactSet& dep = facts_.deps.emplace_back();
        dep.set(Fact::dep_name, std::move(name));
        for (auto& [fact, value] : values) dep.set(fact, std::move(value));
        return *this;
    }
    FactsOf& last_oom(std::int64_t ns) {
        facts_.last_oom = from_ns(ns);
        return *this;
    }
    operator FunctionFacts() const { return facts_; }  // NOLINT: implicit, it is a builder

private:
    FunctionFacts facts_;
};

// A function of 128 MB of which `kills` of 100 invocations ran out of memory.
inline FactsOf out_of_memory(std::string name, int kills = 10) {
    return FactsOf(std::move(name))
        .with(Fact::fn_invocations, 100)
        .with(Fact::fn_oom_count, kills)
        .with(Fact::fn_errors, kills)
        .with(Fact::fn_memory_mb, 128)
        .with(Fact::fn_peak_memory_mb, 128.0)
        .with(Fact::fn_oncpu_share, 0.9)
        .with(Fact::fn_timeouts, 0);
}

// One of 128 MB and a limit of 2 s of which `killed` of 100 invocations were killed at their deadline.
inline FactsOf timed_out(std::string name, int killed) {
    return FactsOf(std::move(name))
        .with(Fact::fn_invocations, 100)
        .with(Fact::fn_timeouts, killed)
        .with(Fact::fn_errors, killed)
        .with(Fact::fn_timeout_rate, killed / 100.0)
        .with(Fact::fn_timeout, Nanos(2s))
        .with(Fact::fn_p99, Nanos(2s))
        .with(Fact::fn_memory_mb, 128)
        .with(Fact::fn_oncpu_share, 0.95)
        .with(Fact::fn_oom_count, 0);
}

// The rules of a text that must load.
inline RuleSet rules_of(const std::string& text) {
    Loaded loaded = load("version: 1\n" + text, "rules.yaml");
    for (const Diagnostic& d : loaded.diagnostics)
        if (d.kind == Diagnostic::Kind::error) ADD_FAILURE() << format(d, "rules.yaml");
    return loaded.rules.value_or(RuleSet{});
}

// The loop around the engine: time, facts, history; what evaluate() gets at each tick.
class Loop {
public:
    explicit Loop(const std::string& rules) : rules_(rules_of(rules)) {}

    Loop& facts(std::vector<FunctionFacts> functions) {
        facts_.clear();
        for (const Nanos window : windows(rules_)) facts_.push_back({window, functions});
        return *this;
    }
    Loop& after(Nanos time) {
        now_ += time;
        return *this;
    }
    Loop& remembers(PastChange change) {
        history_.changes.push_back(std::move(change));
        return *this;
    }
    Loop& on(std::map<std::string, Capabilities> platforms) {
        platforms_ = std::move(platforms);
        return *this;
    }
    Loop& asks(Regrouper regrouper) {
        regrouper_ = std::move(regrouper);
        return *this;
    }
    Loop& mode(Mode mode) {
        mode_ = mode;
        return *this;
    }
    Plan tick() {
        return evaluate(
            rules_, state_,
            {.facts = facts_, .history = &history_, .platforms = &platforms_, .mode = mode_, .now = now_, .regrouper = &regrouper_});
    }
    // Of a change that people approved.
    std::string held_back(const FunctionRef& function) {
        return rules::held_back(rules_, state_, {.facts = facts_, .history = &history_, .now = now_},
                                function);
    }
    void does_not_begin(const Action& action, Nanos rest) { not_begun(state_, action, now_, rest); }
    History& history() { return history_; }
    [[nodiscard]] const EngineState& state() const { return state_; }
    [[nodiscard]] WallTime now() const { return now_; }

private:
    RuleSet rules_;
    EngineState state_;
    std::vector<WindowFacts> facts_;
    History history_;
    std::map<std::string, Capabilities> platforms_{{"aws-lambda", kLambda}};
    Regrouper regrouper_;
    Mode mode_ = Mode::apply;
    WallTime now_{std::chrono::hours(500'000)};
};

}  // namespace autotune::rules::testing
