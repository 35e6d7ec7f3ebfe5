// The engine: facts in, Plan out. Decides which rules fire, when they may act, and which one acts
// when several would.
//
// For each rule and function: `when` must be known to hold at every evaluation for `for`; then the
// rule is active, until `clear_when` has held for `clear_for`. An active rule whose `when` holds acts,
// at most once a cooldown and max_actions_per_day. Of several changes to one function the one with the
// higher priority wins, then the rule's name; notifications change nothing, so they do not compete.
// What fired and could not act is in Plan.refused when it is first refused and again only when the reason
// becomes another one; at every other tick it is in Plan.still_refused.
//
// Pure: no clock, no I/O; the same inputs give the same Plan. Not thread-safe for one EngineState.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/facts.hpp"
#include "core/function.hpp"
#include "core/knowledge_store.hpp"
#include "core/plan.hpp"
#include "rules/memo.hpp"
#include "rules/plan/regrouper.hpp"
#include "rules/rule_set.hpp"

namespace autotune::rules {

// Facts of all functions over one window; one of these for each of windows(rules).
struct WindowFacts {
    Nanos window{0};
    std::vector<FunctionFacts> functions;
};

// A change that was carried out, or is under way.
struct PastChange {
    FunctionRef function;
    std::string rule;
    WallTime opened;
    WallTime closed;  // last update; meaningless while in_progress
    Change change;
    Disposition disposition = Disposition::in_progress;
    bool operator==(const PastChange&) const = default;
};

// What the store remembers. Older than kBumpMemory need not be given.
struct History {
    std::vector<PastChange> changes;
};
inline constexpr Nanos kBumpMemory = std::chrono::hours(24 * 30);

// Changes of functions among the store's records, those that wait for an approval too; notifications and dry runs leave no
// trace here.
[[nodiscard]] History history_from(std::span<const ChangeRecord> records);

// What the engine remembers of one rule on one function.
struct RuleState {
    std::optional<WallTime> holds_since;  // `when` is true, since then
    std::optional<WallTime> clear_since;  // the clear condition is true, since then
    std::optional<WallTime> active_since;
    std::vector<WallTime> acted;            // within the last 24 hours or cooldown, oldest first
    std::optional<WallTime> not_begun;      // when an action of it did not even begin
    Nanos not_begun_rest{0};                // how long it rests after that
    std::string refused_because;            // reason told last; "" when none
    std::vector<std::string> dependencies;  // that satisfied the condition (dep.name), while active
    WallTime seen;                          // last evaluation in which the function had facts
    bool operator==(const RuleState&) const = default;
};

// Copyable, comparable: may be kept over a restart, or lost (then `for` starts again; cooldown of
// changes is also read from History). A rule that neither holds nor is active on a function, and did
// nothing lately, has no entry.
struct EngineState {
    std::map<std::pair<std::string, FunctionRef>, RuleState> rules;  // by rule name and function
    bool operator==(const EngineState&) const = default;
};

// Everything one evaluation looks at beside the rules. Views: valid during the call.
struct Situation {
    std::span<const WindowFacts> facts;                              // one for each window
    const History* history = nullptr;                                // null: nothing remembered
    const std::map<std::string, Capabilities>* platforms = nullptr;  // by FunctionRef::provider
    Mode mode = Mode::dry_run;                                       // the command line's
    WallTime now;
    Memo* memo = nullptr;  // what conditions said last: the Plan is the same with and without, sooner with
    const Regrouper* regrouper = nullptr;  // null: nothing is fused or split. What it does beside answering is its own affair
};

// Functions appear in the Plan in the order of priority, rule name, function. The effective mode of an
// action is the stricter of situation.mode and the rule's.
[[nodiscard]] Plan evaluate(const RuleSet& rules, EngineState& state, const Situation& situation);

// Two reasons that differ only in their figures are one: figures change at every tick.
[[nodiscard]] std::string without_figures(std::string_view reason);

// The action that evaluate() planned at `planned` was not begun. It does not count as one: the rule may act
// again, but not before `rest` has passed: kRetryAfter where the platform or the journal did not answer,
// kRefusedRest where the function is in a state (a split alias, unpublished work) that people must end first.
void not_begun(EngineState& state, const Action& action, WallTime planned, Nanos rest);
inline constexpr Nanos kRetryAfter = std::chrono::seconds(15);
inline constexpr Nanos kRefusedRest = std::chrono::minutes(10);

// Why a change of the function that people approved may not begin just now; "" when it may. By `situation`
// only its history, facts and time count.
[[nodiscard]] std::string held_back(const RuleSet& rules, EngineState& state, const Situation& situation,
                                    const FunctionRef& function);

// Is the rule active on the function? For pages and metrics.
[[nodiscard]] bool active(const EngineState& state, const std::string& rule, const FunctionRef& function);

}  // namespace autotune::rules
