#include "rules/engine.hpp"

#include <algorithm>
#include <tuple>

#include "rules/freeze.hpp"
#include "rules/lifecycle.hpp"
#include "rules/plan/steps.hpp"

namespace autotune::rules {

namespace {

constexpr Nanos kDay = std::chrono::hours(24);

// A rule that is active on a function and whose condition holds now.
struct Firing {
    const Rule* rule;
    const FunctionFacts* facts;
    SloValues slo;
    Verdict verdict;
    RuleState* state;
};

// Two reasons that differ only in their figures are one: figures change at every tick.
std::string without_figures(std::string_view reason) {
    std::string out;
    for (const char c : reason)
        if ((c < '0' || c > '9') && c != '.') out += c;
    return out;
}

std::vector<std::string> names_of(const std::vector<std::size_t>& dependencies, const FunctionFacts& facts) {
    std::vector<std::string> out;
    for (const std::size_t i : dependencies)
        if (const auto* name = std::get_if<std::string>(&facts.deps[i][Fact::dep_name])) out.push_back(*name);
    return out;
}

class Evaluation {
public:
    Evaluation(const RuleSet& rules, EngineState& state, const Situation& situation)
        : rules_(rules), state_(state), situation_(situation), now_(situation.now) {}

    Plan run() {
        std::vector<Firing> firing;
        for (const Rule& rule : rules_.rules) look(rule, firing);
        frozen_ = frozen_functions(rules_, state_, situation_.facts);
        std::sort(firing.begin(), firing.end(), [](const Firing& a, const Firing& b) {
            return std::tie(b.rule->priority, a.rule->name, a.facts->function) <
                   std::tie(a.rule->priority, b.rule->name, b.facts->function);
        });
        for (const Firing& f : firing) act(f);
        forget();
        return std::move(plan_);
    }

private:
    [[nodiscard]] const History& history() const {
        static const History none;
        return situation_.history ? *situation_.history : none;
    }

    // Moves the rule on, for all functions in its scope.
    void look(const Rule& rule, std::vector<Firing>& firing) {
        for (const WindowFacts& window : situation_.facts) {
            if (window.window != rule.window) continue;
            for (const FunctionFacts& facts : window.functions) {
                if (!matches(rule.scope, facts.function, facts.labels)) continue;
                const SloValues slo = slo_of(rules_, facts);
                Verdict when = holds(rule.when, facts, slo);
                const Truth cleared = rule.clear_when           ? holds(*rule.clear_when, facts, slo).truth
                                      : when.truth == Truth::no ? Truth::yes
                                                                : Truth::no;
                RuleState& state = state_.rules[{rule.name, facts.function}];
                advance(state, rule, when.truth, cleared, now_);
                if (when.truth != Truth::yes || !state.active_since) continue;
                state.dependencies = names_of(when.dependencies, facts);
                firing.push_back({&rule, &facts, slo, std::move(when), &state});
            }
        }
    }

    void act(const Firing& f) {
        const FunctionRef& function = f.facts->function;
        if (std::string why = resting(*f.state, *f.rule, function, history(), now_); !why.empty())
            return refuse(f, std::move(why));
        auto proposal = propose({.rule = *f.rule,
                                 .guardrails = rules_.guardrails,
                                 .facts = *f.facts,
                                 .slo = f.slo,
                                 .platform = platform(function),
                                 .attempts = attempts_of(*f.rule, function, history(), now_)});
        if (!proposal) return refuse(f, proposal.error().message);
        const bool changes = std::holds_alternative<Resize>(proposal->change);
        if (changes)
            if (std::string why = blocked(f); !why.empty()) return refuse(f, std::move(why));
        if (changes) changed_.emplace(function, f.rule->name);
        f.state->acted.push_back(now_);
        f.state->refused_because.clear();
        plan_.actions.push_back(action(f, std::move(*proposal)));
    }

    // Why the function may not be changed just now, though the rule would know how.
    [[nodiscard]] std::string blocked(const Firing& f) const {
        const FunctionRef& function = f.facts->function;
        if (const auto winner = changed_.find(function); winner != changed_.end())
            return "lost to '" + winner->second + "': one change a function at a time";
        std::size_t under_way = changed_.size();
        for (const PastChange& change : history().changes) {
            const bool open = change.disposition == Disposition::in_progress;
            if (open) ++under_way;
            if (change.function != function) continue;
            if (open) return "a change by '" + change.rule + "' is under way on it";
            if (now_ - change.closed < f.rule->window)
                return "the window still holds calls from before the end of its last change";
        }
        if (const auto frozen = frozen_.find(function); frozen != frozen_.end()) return frozen->second;
        if (under_way >= rules_.guardrails.max_concurrent_changes)
            return "as many changes are under way as max_concurrent_changes allows";
        return "";
    }

    [[nodiscard]] Action action(const Firing& f, Proposal proposal) const {
        const Rule& rule = *f.rule;
        const bool changes = std::holds_alternative<Resize>(proposal.change);
        Action out{.target = f.facts->function,
                   .change = proposal.change,
                   .rule = rule.name,
                   .because = {},
                   .predicted = std::move(proposal.predicted),
                   .evidence = evidence(f),
                   .mode = {},
                   .canary = {},
                   .runbook = expand_template(rule.annotations.runbook, *f.facts, f.verdict.dependency())};
        out.because = expand_template(rule.annotations.summary, *f.facts, f.verdict.dependency());
        if (out.because.empty()) out.because = rule.when.text;
        for (const std::string& more : {proposal.because, proposal.not_done})
            if (!more.empty()) out.because += "; " + more;
        out.mode = std::min(situation_.mode, rule.mode);  // the stricter
        if (!changes) return out;
        out.canary = rule.canary;
        const auto& approval = rules_.guardrails.approval_required_for;
        if (std::find(approval.begin(), approval.end(), "resize") != approval.end()) {
            out.mode = Mode::dry_run;
            out.because += "; it needs an approval, which this version cannot take";
        }
        return out;
    }

    [[nodiscard]] Evidence evidence(const Firing& f) const {
        const FunctionFacts& facts = *f.facts;
        Evidence out{.facts = facts_seen(f.rule->when, facts, f.slo, f.verdict.dependency()),
                     .from = facts.from,
                     .to = facts.to,
                     .wall_to = now_,
                     .kill_time = {},
                     .hottest_frame = facts.hottest_frame,
                     .flame_graph = {},
                     .culprit = {},
                     .black_box = {}};
        const auto positive = [&](Fact fact) { return facts.fn.number(fact).value_or(0) > 0; };
        if (positive(Fact::fn_oom_count))
            out.kill_time = facts.last_oom;
        else if (positive(Fact::fn_timeouts))
            out.kill_time = facts.last_timeout;
        return out;
    }

    void refuse(const Firing& f, std::string reason) {
        std::string kind = without_figures(reason);
        if (kind == f.state->refused_because) return;
        f.state->refused_because = std::move(kind);
        plan_.refused.push_back({f.facts->function, f.rule->name, std::move(reason)});
    }

    [[nodiscard]] const Capabilities* platform(const FunctionRef& function) const {
        if (!situation_.platforms) return nullptr;
        const auto found = situation_.platforms->find(function.provider);
        return found == situation_.platforms->end() ? nullptr : &found->second;
    }

    // What no longer matters: old actions, rules that are gone, functions that nobody calls.
    void forget() {
        for (auto it = state_.rules.begin(); it != state_.rules.end();) {
            const auto rule = std::find_if(rules_.rules.begin(), rules_.rules.end(),
                                           [&](const Rule& r) { return r.name == it->first.first; });
            const bool gone = rule == rules_.rules.end();
            const Nanos keep = gone ? Nanos(0) : std::max(kDay, rule->cooldown);
            RuleState& one = it->second;
            std::erase_if(one.acted, [&](WallTime at) { return now_ - at > keep; });
            // Not heard of for a window and the time it takes to clear: it is no longer active.
            if (!gone && now_ - one.seen > rule->window + rule->clear_for) {
                one.active_since.reset();
                one.holds_since.reset();
                one.dependencies.clear();
            }
            it = gone || now_ - one.seen > keep ? state_.rules.erase(it) : std::next(it);
        }
    }

    const RuleSet& rules_;
    EngineState& state_;
    const Situation& situation_;
    const WallTime now_;
    std::map<FunctionRef, std::string> frozen_;
    std::map<FunctionRef, std::string> changed_;  // in this plan, by which rule
    Plan plan_;
};

}  // namespace

Plan evaluate(const RuleSet& rules, EngineState& state, const Situation& situation) {
    return Evaluation(rules, state, situation).run();
}

void not_begun(EngineState& state, const Action& action, WallTime planned, Nanos rest) {
    const auto found = state.rules.find({action.rule, action.target});
    if (found == state.rules.end()) return;
    std::erase(found->second.acted, planned);
    found->second.not_begun = planned;
    found->second.not_begun_rest = rest;
}

bool active(const EngineState& state, const std::string& rule, const FunctionRef& function) {
    const auto found = state.rules.find({rule, function});
    return found != state.rules.end() && found->second.active_since.has_value();
}

History history_from(std::span<const ChangeRecord> records) {
    History out;
    for (const ChangeRecord& r : records) {
        const auto* resize = std::get_if<Resize>(&r.action.change);
        if (!resize || !was_begun(r.disposition)) continue;
        // Not yet closed: under way, whatever is already known of its end.
        const Disposition disposition = r.step == Step::closed ? r.disposition : Disposition::in_progress;
        out.changes.push_back({r.action.target, r.action.rule, r.opened, r.updated, *resize, disposition});
    }
    return out;
}

}  // namespace autotune::rules
