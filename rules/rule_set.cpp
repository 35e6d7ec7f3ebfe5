#include "rules/rule_set.hpp"

#include <fnmatch.h>

#include <algorithm>

namespace autotune::rules {

std::string_view to_string(ReclusterStep::Op op) { return op == ReclusterStep::Op::fuse ? "fuse" : "split"; }

bool matches(const Scope& scope, const FunctionRef& function,
             const std::map<std::string, std::string>& labels) {
    if (fnmatch(scope.functions.c_str(), function.name.c_str(), FNM_NOESCAPE) != 0) return false;
    return std::all_of(scope.labels.begin(), scope.labels.end(), [&](const auto& wanted) {
        const auto found = labels.find(wanted.first);
        return found != labels.end() && found->second == wanted.second;
    });
}

std::vector<Nanos> windows(const RuleSet& rules) {
    std::vector<Nanos> out;
    for (const Rule& rule : rules.rules) out.push_back(rule.window);
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
}

SloValues slo_of(const RuleSet& rules, const FunctionFacts& facts) {
    SloValues out;
    for (const SloEntry& entry : rules.slo) {
        if (!matches(entry.scope, facts.function, facts.labels)) continue;
        for (std::size_t i = 0; i < kSloFactCount; ++i)
            if (out[i].index() == 0 && entry.values[i]) out[i] = *entry.values[i];
    }
    return out;
}

}  // namespace autotune::rules
