#include "rules/freeze.hpp"

#include <algorithm>

namespace autotune::rules {

namespace {

bool depends_on(const FunctionFacts& facts, const std::string& name) {
    return std::any_of(facts.deps.begin(), facts.deps.end(), [&](const FactSet& dep) {
        const auto* known = std::get_if<std::string>(&dep[Fact::dep_name]);
        return known && *known == name;
    });
}

bool dependent(const FunctionFacts& facts, const FunctionRef& troubled, const RuleState& state) {
    return depends_on(facts, troubled.name) ||
           std::any_of(state.dependencies.begin(), state.dependencies.end(),
                       [&](const std::string& dependency) { return depends_on(facts, dependency); });
}

}  // namespace

std::map<FunctionRef, std::string> frozen_functions(const RuleSet& rules, const EngineState& state,
                                                    std::span<const WindowFacts> facts) {
    std::map<FunctionRef, std::string> out;
    for (const Rule& rule : rules.rules) {
        const auto& listed = rules.guardrails.freeze_when;
        const bool freezes =
            rule.freezes_dependents || std::find(listed.begin(), listed.end(), rule.name) != listed.end();
        if (!freezes) continue;
        for (const auto& [key, one] : state.rules) {
            if (key.first != rule.name || !one.active_since) continue;
            const std::string why = "frozen while '" + rule.name + "' is active on " + key.second.name;
            out.emplace(key.second, why);
            if (!rule.freezes_dependents) continue;
            for (const WindowFacts& window : facts)
                for (const FunctionFacts& f : window.functions)
                    if (dependent(f, key.second, one)) out.emplace(f.function, why);
        }
    }
    return out;
}

}  // namespace autotune::rules
