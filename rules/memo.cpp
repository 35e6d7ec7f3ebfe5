#include "rules/memo.hpp"

#include <algorithm>

namespace autotune::rules {

namespace {

// All that conditions, scopes and objectives look at.
bool same(const FunctionFacts& a, const FunctionFacts& b) {
    return a.fn == b.fn && a.deps == b.deps && a.labels == b.labels;
}

bool everywhere(const Scope& scope) { return scope.functions == "*" && scope.labels.empty(); }

}  // namespace

void look(const RuleSet& rules, Nanos window, const FunctionFacts& facts, const SloValues& slo, Look& out) {
    out.when.assign(rules.rules.size(), Said::out_of_scope);
    out.holding.clear();
    for (std::uint32_t i = 0; i < rules.rules.size(); ++i) {
        const Rule& rule = rules.rules[i];
        if (rule.window != window) continue;
        if (!everywhere(rule.scope) && !matches(rule.scope, facts.function, facts.labels)) continue;
        Verdict verdict = holds(rule.when, facts, slo);
        out.when[i] = static_cast<Said>(verdict.truth);
        if (verdict.truth == Truth::yes) out.holding.emplace_back(i, std::move(verdict));
    }
}

void Memo::begin(const RuleSet& rules) {
    ++evaluation_;
    const bool known =
        programs_.size() == rules.rules.size() &&
        std::equal(programs_.begin(), programs_.end(), rules.rules.begin(),
                   [](const auto& program, const Rule& rule) { return program == rule.when.program; });
    if (known) return;
    seen_.clear();
    programs_.clear();
    for (const Rule& rule : rules.rules) programs_.push_back(rule.when.program);
}

const Look& Memo::look(const RuleSet& rules, Nanos window, const FunctionFacts& facts, const SloValues& slo) {
    Seen& seen = seen_[window][facts.function];
    if (seen.evaluation == 0 || !same(seen.facts, facts) || seen.slo != slo) {
        rules::look(rules, window, facts, slo, seen.look);
        seen.facts = facts;
        seen.slo = slo;
    }
    seen.evaluation = evaluation_;
    return seen.look;
}

void Memo::end() {
    for (auto& [window, functions] : seen_)
        std::erase_if(functions, [&](const auto& one) { return one.second.evaluation != evaluation_; });
}

}  // namespace autotune::rules
