#include "rules/engine.hpp"

#include <algorithm>
#include <tuple>
#include <unordered_map>

#include "rules/freeze.hpp"
#include "rules/lifecycle.hpp"
#include "rules/plan/steps.hpp"

namespace autotune::rules {

namespace {

constexpr Nanos kDay = std::chrono::hours(24);

// Whether it was tried and judged.
bool has_verdict(Disposition d) {
    return d == Disposition::promoted || d == Disposition::rolled_back || d == Disposition::reverted;
}

// A rule that is active on a function and whose condition holds now.
struct Firing {
    const Rule* rule;
    const FunctionFacts* facts;
    SloValues slo;
    Verdict verdict;
    RuleState* state;
};

std::vector<std::string> names_of(const std::vector<std::size_t>& dependencies, const FunctionFacts& facts) {
    std::vector<std::string> out;
    for (const std::size_t i : dependencies)
        if (const auto* name = std::get_if<std::string>(&facts.deps[i][Fact::dep_name])) out.push_back(*name);
    return out;
}

class Evaluation {
public:
    Evaluation(const RuleSet& rules, EngineState& state, const Situation& situation)
        : rules_(rules), state_(state), situation_(situation), now_(situation.now) {
        in_maintenance_ = in_maintenance(rules.guardrails.maintenance, now_);
        for (std::uint32_t i = 0; i < rules.rules.size(); ++i) number_.emplace(rules.rules[i].name, i);
    }

    Plan run() {
        std::vector<Firing> firing;
        look(firing);
        frozen_ = frozen_functions(rules_, state_, situation_.facts);
        std::sort(firing.begin(), firing.end(), [](const Firing& a, const Firing& b) {
            return std::tie(b.rule->priority, a.rule->name, a.facts->function) <
                   std::tie(a.rule->priority, b.rule->name, b.facts->function);
        });
        for (const Firing& f : firing) act(f);
        forget();
        return std::move(plan_);
    }

    [[nodiscard]] std::string why_not_now(const FunctionRef& function) {
        frozen_ = frozen_functions(rules_, state_, situation_.facts);
        return held_back(function);
    }

private:
    [[nodiscard]] const History& history() const {
        static const History none;
        return situation_.history ? *situation_.history : none;
    }

    // The states of one function, by rule, ascending.
    using States = std::vector<std::pair<std::uint32_t, RuleState*>>;

    std::unordered_map<FunctionRef, States> states_by_function() {
        std::unordered_map<FunctionRef, States> out;
        for (auto& [key, state] : state_.rules)
            if (const auto rule = number_.find(key.first); rule != number_.end())
                out[key.second].emplace_back(rule->second, &state);
        for (auto& [function, states] : out)
            std::sort(states.begin(), states.end(),
                      [](const auto& a, const auto& b) { return a.first < b.first; });
        return out;
    }

    // Moves all rules on, on all functions.
    void look(std::vector<Firing>& firing) {
        auto states = states_by_function();
        static const States none;
        if (situation_.memo) situation_.memo->begin(rules_);
        Look found;
        for (const WindowFacts& window : situation_.facts) {
            for (const FunctionFacts& facts : window.functions) {
                const SloValues slo = slo_of(rules_, facts);
                if (!situation_.memo) rules::look(rules_, window.window, facts, slo, found);
                const Look& look =
                    situation_.memo ? situation_.memo->look(rules_, window.window, facts, slo) : found;
                const auto known = states.find(facts.function);
                move(facts, slo, look, known == states.end() ? none : known->second, firing);
            }
        }
        if (situation_.memo) situation_.memo->end();
    }

    // Those that hold, and those that have a state; of all others nothing is to be remembered.
    void move(const FunctionFacts& facts, const SloValues& slo, const Look& look, const States& states,
              std::vector<Firing>& firing) {
        auto state = states.begin();
        const auto rest_until = [&](std::uint32_t rule) {
            for (; state != states.end() && state->first < rule; ++state) {
                const Said said = look.when[state->first];
                if (said == Said::out_of_scope) continue;
                const Rule& one = rules_.rules[state->first];
                const auto when = static_cast<Truth>(said);
                advance(*state->second, one, when, cleared(one, when, *state->second, facts, slo), now_);
            }
        };
        for (const auto& [number, verdict] : look.holding) {
            rest_until(number);
            const Rule& rule = rules_.rules[number];
            const bool known = state != states.end() && state->first == number;
            RuleState& one = known ? *state->second : state_.rules[{rule.name, facts.function}];
            if (known) ++state;
            advance(one, rule, Truth::yes, Truth::no, now_);
            if (!one.active_since) continue;
            one.dependencies = names_of(verdict.dependencies, facts);
            firing.push_back({&rule, &facts, slo, verdict, &one});
        }
        rest_until(static_cast<std::uint32_t>(rules_.rules.size()));
    }

    // A condition that holds does not clear, whatever `clear_when` says.
    static Truth cleared(const Rule& rule, Truth when, const RuleState& state, const FunctionFacts& facts,
                         const SloValues& slo) {
        if (!rule.clear_when) return when == Truth::no ? Truth::yes : Truth::no;
        return state.active_since ? holds(*rule.clear_when, facts, slo).truth : Truth::no;
    }

    void act(const Firing& f) {
        const FunctionRef& function = f.facts->function;
        if (std::string why = resting(*f.state, *f.rule, function, history(), now_); !why.empty())
            return refuse(f, std::move(why));
        std::string held = blocked(f);
        auto proposal = proposal_of(f, held);
        if (!proposal && is_being_worked_out(proposal.error())) return;  // no reason not to act, and over in seconds
        if (!proposal) return refuse(f, proposal.error().message);
        const bool changes = changes_function(proposal->change);
        if (changes && !held.empty()) return refuse(f, std::move(held), &proposal->change);
        if (changes) changed_.emplace(function, f.rule->name);
        f.state->acted.push_back(now_);
        f.state->refused_because.clear();
        plan_.actions.push_back(action(f, std::move(*proposal)));
    }

    // `held`: why nothing may be done just now. What a regrouper works out takes long, and would be for nothing then: a step
    // that would ask it waits for that.
    [[nodiscard]] Result<Proposal> proposal_of(const Firing& f, const std::string& held) const {
        const FunctionRef& function = f.facts->function;
        const Regrouper waits = [&](const FunctionRef&, const ReclusterStep&) { return fail(Errc::unavailable, held); };
        const Regrouper* regrouper = situation_.regrouper;
        if (regrouper != nullptr && *regrouper && !held.empty()) regrouper = &waits;
        return propose({.rule = *f.rule,
                        .guardrails = rules_.guardrails,
                        .facts = *f.facts,
                        .slo = f.slo,
                        .platform = platform(function),
                        .attempts = attempts_of(*f.rule, function, history(), now_),
                        .regrouper = regrouper,
                        .tariffs = rules_.tariffs});
    }

    // Why the function may not be changed just now, though the rule would know how.
    [[nodiscard]] std::string blocked(const Firing& f) const {
        const FunctionRef& function = f.facts->function;
        if (!in_maintenance_) return "outside of the maintenance windows";
        if (const auto winner = changed_.find(function); winner != changed_.end())
            return "lost to '" + winner->second + "': one change a function at a time";
        for (const PastChange& change : history().changes) {
            if (change.function != function) continue;
            if (change.disposition == Disposition::waiting)
                return "a change by '" + change.rule + "' waits for an approval on it";
            if (change.disposition != Disposition::in_progress && now_ - change.closed < f.rule->window)
                return "the window still holds calls from before the end of its last change";
        }
        return held_back(function);
    }

    [[nodiscard]] std::string held_back(const FunctionRef& function) const {
        if (!in_maintenance_) return "outside of the maintenance windows";
        std::size_t under_way = changed_.size();
        for (const PastChange& change : history().changes) {
            if (change.disposition != Disposition::in_progress) continue;
            ++under_way;
            if (change.function == function) return "a change by '" + change.rule + "' is under way on it";
        }
        if (const auto frozen = frozen_.find(function); frozen != frozen_.end()) return frozen->second;
        if (under_way >= rules_.guardrails.max_concurrent_changes)
            return "as many changes are under way as max_concurrent_changes allows";
        return "";
    }

    // What became of the rule's earlier changes of that kind, of whatever function: what to expect of the next.
    [[nodiscard]] std::string experience(const Rule& rule, std::string_view kind) const {
        std::size_t proved = 0, tried = 0;
        for (const PastChange& change : history().changes) {
            if (change.rule != rule.name || kind_of(change.change) != kind || !has_verdict(change.disposition)) continue;
            ++tried;
            proved += change.disposition == Disposition::promoted;
        }
        if (tried == 0) return "";
        return "of " + std::to_string(tried) + " earlier " + std::string(kind) + (tried == 1 ? "" : "s") + " by this rule " +
               std::to_string(proved) + (proved == 1 ? " was proved" : " were proved");
    }

    [[nodiscard]] Action action(const Firing& f, Proposal proposal) const {
        const Rule& rule = *f.rule;
        const bool changes = changes_function(proposal.change);
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
        for (const std::string& more :
             {proposal.because, proposal.not_done, changes ? experience(rule, kind_of(out.change)) : std::string()})
            if (!more.empty()) out.because += "; " + more;
        out.mode = std::min(situation_.mode, rule.mode);  // the stricter
        if (!changes) return out;
        out.canary = rule.canary;
        const auto& approval = rules_.guardrails.approval_required_for;
        if (std::find(approval.begin(), approval.end(), kind_of(out.change)) != approval.end()) {
            out.approval_within = rules_.guardrails.approval_expires;
            out.because += "; it needs an approval";
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
                     .black_box = {},
                     .differed = {}};
        const auto positive = [&](Fact fact) { return facts.fn.number(fact).value_or(0) > 0; };
        if (positive(Fact::fn_oom_count))
            out.kill_time = facts.last_oom;
        else if (positive(Fact::fn_timeouts))
            out.kill_time = facts.last_timeout;
        if (positive(Fact::fn_nondeterministic)) out.differed = facts.differed;
        return out;
    }

    // `change`: what it would have done; null: not known yet, and only worth the thinking when it is told.
    void refuse(const Firing& f, std::string reason, const Change* change = nullptr) {
        std::string kind = without_figures(reason);
        if (kind == f.state->refused_because) {
            plan_.still_refused.push_back({f.facts->function, f.rule->name, std::move(reason)});
            return;
        }
        f.state->refused_because = std::move(kind);
        std::string what;
        if (change != nullptr)
            what = describe(*change);
        else if (const auto proposal = proposal_of(f, reason))
            what = describe(proposal->change);
        plan_.refused.push_back({f.facts->function, f.rule->name, std::move(reason), std::move(what)});
    }

    [[nodiscard]] const Capabilities* platform(const FunctionRef& function) const {
        if (!situation_.platforms) return nullptr;
        const auto found = situation_.platforms->find(function.provider);
        return found == situation_.platforms->end() ? nullptr : &found->second;
    }

    // What no longer matters: old actions, rules that are gone, functions that nobody calls.
    void forget() {
        for (auto it = state_.rules.begin(); it != state_.rules.end();) {
            const auto number = number_.find(it->first.first);
            const Rule* rule = number == number_.end() ? nullptr : &rules_.rules[number->second];
            const Nanos keep = rule ? std::max(kDay, rule->cooldown) : Nanos(0);
            RuleState& one = it->second;
            std::erase_if(one.acted, [&](WallTime at) { return now_ - at > keep; });
            // Not heard of for a window and the time it takes to clear: it is no longer active.
            if (rule && now_ - one.seen > rule->window + rule->clear_for) {
                one.active_since.reset();
                one.holds_since.reset();
                one.dependencies.clear();
            }
            it = !rule || now_ - one.seen > keep || idle(one) ? state_.rules.erase(it) : std::next(it);
        }
    }

    // A state that says no more than none.
    [[nodiscard]] bool idle(const RuleState& one) const {
        const bool rests = one.not_begun && now_ - *one.not_begun < one.not_begun_rest;
        return !one.holds_since && !one.active_since && one.acted.empty() && !rests &&
               one.refused_because.empty();
    }

    const RuleSet& rules_;
    EngineState& state_;
    const Situation& situation_;
    const WallTime now_;
    std::unordered_map<std::string_view, std::uint32_t> number_;  // of rules, by name
    bool in_maintenance_ = true;
    std::map<FunctionRef, std::string> frozen_;
    std::map<FunctionRef, std::string> changed_;  // in this plan, by which rule
    Plan plan_;
};

}  // namespace

Plan evaluate(const RuleSet& rules, EngineState& state, const Situation& situation) {
    return Evaluation(rules, state, situation).run();
}

std::string held_back(const RuleSet& rules, EngineState& state, const Situation& situation,
                      const FunctionRef& function) {
    return Evaluation(rules, state, situation).why_not_now(function);
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

}  // namespace autotune::rules
