// RuleSet: a rules file, checked and compiled into plain structs. What the loader makes and the
// engine reads; docs/rules.md describes the text it comes from.
//
// Passive and copyable; compiled conditions are shared and immutable, so copies are cheap and a
// RuleSet may be read by several threads. All durations are positive or zero.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/cost_model.hpp"
#include "core/plan.hpp"
#include "core/time.hpp"
#include "rules/condition.hpp"
#include "rules/diagnostic.hpp"
#include "rules/maintenance.hpp"

namespace autotune::rules {

// Which functions: all labels must match, and the name must match the glob (`*`, `?`, `[…]`).
struct Scope {
    std::string functions = "*";
    std::map<std::string, std::string> labels;
};
[[nodiscard]] bool matches(const Scope& scope, const FunctionRef& function,
                           const std::map<std::string, std::string>& labels);

enum class SizingStrategy : std::uint8_t {
    automatic,  // oom_bump when there were out-of-memory kills, else timeout
    oom_bump,
    timeout,
};

struct ResizeStep {
    SizingStrategy strategy = SizingStrategy::automatic;
    std::uint32_t max_bumps = 3;  // attempts of this rule on one function within kBumpMemory
    std::shared_ptr<const Tariff> tariff = {};  // by whose prices cost is predicted; null: the platform's, if that is known
};

// A remedy that is put around the function; see Wrap.
struct WrapStep {
    std::string remedy;
    std::string settings;  // a JSON object
    std::string words;
    std::uint32_t pieces = 0;  // its time limit must hold so many of the old one; 0: stays as it is
};

// Raises the concurrency that is reserved for the function where its calls are refused for want of it.
struct ConcurrencyStep {
    std::uint32_t most = 0;               // never more than so many
    std::optional<std::uint32_t> reserve;  // of a function without a reservation; unset: it gets none
};

// Keeps environments initialised ahead for the function's alias where its calls wait for new ones.
struct KeepWarmStep {
    std::uint32_t most = 0;  // never more than so many
};

// The function and those that it waits for as one deployment, or again as several.
struct ReclusterStep {
    enum class Op : std::uint8_t { split, fuse } op = Op::split;
    Nanos last = std::chrono::hours(24);  // of the records, what is looked at
    bool operator==(const ReclusterStep&) const = default;
};
[[nodiscard]] std::string_view to_string(ReclusterStep::Op op);

struct NotifyStep {
    Severity severity = Severity::warning;
    std::string suggest;
};

// Understood, and not carried out by this version: it is told to people instead.
struct SuggestStep {
    std::string remedy;  // "map-reduce", "split the function (private-callees)", …
};

struct PlanStep {
    std::variant<ResizeStep, WrapStep, ConcurrencyStep, KeepWarmStep, ReclusterStep, NotifyStep, SuggestStep> what;
    std::optional<Condition> only_if;  // the step's `if`
    Position at;
};

struct Annotations {
    std::string summary;  // templates: {{fn.name}}, any fact
    std::string runbook;
};

struct Rule {
    std::string name;
    std::int64_t priority = 0;  // the larger wins
    Scope scope;
    Condition when;
    Nanos window = std::chrono::minutes(15);  // facts are computed over it
    Nanos hold_for{0};                        // `for`: `when` must have held that long
    Nanos cooldown = std::chrono::hours(6);   // after an action, per function
    std::optional<Condition> clear_when;      // unset: when `when` is false
    Nanos clear_for{0};
    std::uint32_t max_actions_per_day = 3;  // per function, any 24 hours
    std::vector<PlanStep> plan;             // in order of preference; never empty
    CanaryPolicy canary;
    Mode mode = Mode::dry_run;        // of the file
    bool freezes_dependents = false;  // effect: freeze-dependents
    Annotations annotations;
    Position at;
    std::string file;  // that it was read from, where that is an included one
};

struct Guardrails {
    std::optional<double> max_cost_increase_pct;  // predicted cost of a successful call
    std::uint32_t max_concurrent_changes = 1;     // over all functions
    double max_canary_weight = 0.10;
    std::vector<std::string> freeze_when;            // rules: while active on a function, it is not changed
    std::vector<std::string> approval_required_for;  // kinds of plan step, "resize"
    Nanos approval_expires = std::chrono::hours(24);  // what nobody approved within that is dropped
    std::vector<MaintenanceWindow> maintenance;  // changes are begun only in one of them; empty: at any time
};

// Service-level objectives of the functions in `scope`, for slo.* in conditions.
struct SloEntry {
    Scope scope;
    std::array<std::optional<FactValue>, kSloFactCount> values;  // by SloFact
};

using Tariffs = std::shared_ptr<const std::vector<Tariff>>;

struct RuleSet {
    std::string file;
    std::vector<std::string> included;  // files that were read with it
    std::vector<Rule> rules;            // in the order of the file, included ones first; names are unique
    Guardrails guardrails;
    std::vector<SloEntry> slo;  // the first entry that matches and names a value gives it
    Tariffs tariffs;            // that were known when it was read; null: none
};

// The distinct windows of all rules, ascending: the caller computes facts once for each.
[[nodiscard]] std::vector<Nanos> windows(const RuleSet& rules);
[[nodiscard]] SloValues slo_of(const RuleSet& rules, const FunctionFacts& facts);

}  // namespace autotune::rules
