// Plan: what the rules want done, why, and with which evidence; Outcome: what became of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/facts.hpp"
#include "core/function.hpp"
#include "core/ids.hpp"
#include "core/time.hpp"

namespace autotune {

enum class Mode : std::uint8_t { dry_run, apply };  // ordered: the smaller is the stricter
[[nodiscard]] std::string_view to_string(Mode m);

enum class Severity : std::uint8_t { info, warning, critical };
[[nodiscard]] std::string_view to_string(Severity s);

struct Resize {
    std::uint32_t from_mb = 0;
    std::uint32_t to_mb = 0;
    bool operator==(const Resize&) const = default;
};

// Works around the function from a layer, its own code left as it is (docs/decisions/0032).
struct Wrap {
    std::string remedy;     // "cache", "handover", "map_reduce"
    std::string settings;   // of the remedy, a JSON object; "": the remedy is taken off
    std::string words;      // the same for people: "cache results for 1m"
    Nanos timeout{0};       // time limit that the function gets with it; 0: as it was
    std::string layer;      // name of the wrapper's layer, which stands for its content; whoever carries it out sets it
    std::string handler;    // the wrapper's for the function's runtime, likewise; "": Python's, by an older program
    bool operator==(const Wrap&) const = default;
};

// What a package was made of. Where the function has another since, the package would take that back.
struct MadeOf {
    std::string code_hash;  // of the function's own
    std::string handler;
    bool operator==(const MadeOf&) const = default;
};

// New code, with the configuration as it is.
struct Deploy {
    std::string code_hash;  // as the platform tells it of the archive (Lambda: CodeSha256)
    std::string package;    // path of the archive, which must stay until the change has ended
    std::string words;      // what it is, for people: "app.zip"
    std::string remedy = {};  // the op of the plan step that made it: "fuse", "split"; "": people gave it
    std::optional<MadeOf> made_of = {};  // of packages that a plan step made
    bool operator==(const Deploy&) const = default;
};

// What another agent left half-way when it died goes back to how the serving version is (docs/decisions/0034).
struct TakeOver {
    std::string from;       // that agent
    Tuning left;            // the head as it was found
    bool operator==(const TakeOver&) const = default;
};

// How often something happened, of how many.
struct Tally {
    std::uint64_t calls = 0;  // all of them
    std::uint64_t bad = 0;    // throttled; of KeepWarm: those that waited for a new sandbox
    bool operator==(const Tally&) const = default;
};

// How many invocations of the function may run at a time, which are then kept for it. Of no version, so there is no canary
// of it: it is set for all calls, and judged by what became of them before and after (docs/decisions/0035).
struct Reserve {
    std::optional<std::uint32_t> from, to;  // unset: no reservation
    Tally before;                           // in the window that led to it: all attempts, and those that were throttled
    bool operator==(const Reserve&) const = default;
};

// How many environments the platform initialises ahead of any call, and keeps, for the calls of one alias (Lambda:
// provisioned concurrency). Of no version either: it is the alias', and follows it (docs/decisions/0038). They are paid for while
// they wait.
struct KeepWarm {
    std::string alias;                      // whoever carries it out sets it, and `from`
    std::optional<std::uint32_t> from, to;  // unset: none
    Tally before;                           // in the window that led to it: invocations, and cold starts
    bool operator==(const KeepWarm&) const = default;
};

// What changes of no version have in common: one number of the platform's, or none; and the counts that led to it.
struct Setting {
    std::optional<std::uint32_t> from, to;
    Tally before;
    std::string_view bad;  // the word for a bad call: "refused", "cold"
};

struct Notify {
    Severity severity = Severity::warning;
    std::string suggest;    // remedy for the developer, e.g. "map-reduce"
    bool operator==(const Notify&) const = default;
};

using Change = std::variant<Resize, Wrap, Deploy, TakeOver, Reserve, KeepWarm, Notify>;
[[nodiscard]] std::string describe(const Change& change);  // "resize 128 MB → 256 MB"
// Whether the function, or what it may use, is another afterwards, which must be proved and may take an approval.
[[nodiscard]] inline bool changes_function(const Change& change) { return !std::holds_alternative<Notify>(change); }
// Of a change of no version; nullopt of any other.
[[nodiscard]] std::optional<Setting> setting_of(const Change& change);
// Whether it makes a version, which a canary can prove; else it is judged by counts before and after.
[[nodiscard]] inline bool makes_version(const Change& change) {
    return changes_function(change) && !setting_of(change);
}
// The plan step that asks for it: "resize", "cache", "notify".
[[nodiscard]] std::string_view kind_of(const Change& change);

// How a change is proved before it serves everybody (DESIGN section 5, canary judge).
struct CanaryPolicy {
    double latency_margin = 0.10;   // δ: a canary call counts as slower when x > (1+δ)·y
    double error_margin = 0.01;     // ε
    double alpha = 0.05;            // P(promote although worse than the margins)
    double beta = 0.05;             // P(roll back although not worse)
    double weight = 0.10;           // share of traffic, after guardrails
    Nanos horizon = std::chrono::hours(2);
    enum class OnHold : std::uint8_t { revert, keep_waiting } on_hold = OnHold::revert;
    double harm_margin = 0;         // slower by no more than this is never a reason to roll back
    Nanos indifference{0};          // nor is a difference of no more than this, and nobody waits for its proof
    bool operator==(const CanaryPolicy&) const = default;
};

// What a symptom costs: over so much of the evidence's window as was watched. Estimates where the budget left some
// invocations untold.
struct Impact {
    Nanos watched{0};
    double invocations = 0;
    double failed = 0;
    double unsized = 0;           // of failed and slow ones: whose memory is not known, so that they are in no GB-s
    double slow = 0;              // ended well, and took longer than `slow_over`
    Nanos slow_over{0};           // the objective; 0: none is declared, so nothing counts as slow
    double gb_seconds = 0;        // of failed ones all, of slow ones what is above the objective
    double gb_seconds_error = 0;  // half the 95 % interval; counts are taken as Poisson's
    double usd_a_day = 0, usd_a_day_error = 0;  // the same, and the price of failed requests; meaningless without a tariff
    std::string tariff;           // whose prices, and of which day; "": not known what it costs
    bool operator==(const Impact&) const = default;
};

// How sure it is that what the rule says is the matter.
struct Confidence {
    std::string grade;     // "high", "medium", "low"; "": nobody judged it
    std::string rests_on;  // what was counted, with its interval
    bool operator==(const Confidence&) const = default;
};

struct Evidence {
    std::vector<std::pair<std::string, std::string>> facts;  // name, value, as the condition saw them
    Timestamp from, to;
    WallTime wall_to{};             // `to` in UTC: evidence outlives the boot; epoch when not known
    std::optional<Timestamp> kill_time;
    std::string hottest_frame;
    std::string flame_graph;        // path of a file, "" when none
    std::string culprit;            // where the last one that was killed was: "handler.py:12 in handler"; "" when not known
    std::string black_box;          // the invocation whose black box tells, "" when none
    std::optional<Impact> impact = {};
    Confidence confidence = {};
    std::vector<std::string> missing = {};  // what is not known and would be of use, a sentence each
    std::string differed;           // two invocations that answered the same input otherwise, "" when none

    [[nodiscard]] WallTime wall(Timestamp t) const { return wall_to + (t - to); }  // REQUIRES: wall_to is known
};

struct Action {
    FunctionRef target;
    Change change;
    std::string rule;
    std::string because;            // one sentence for people
    std::string predicted;          // what it should do: "no OOM with 256 MB"
    Evidence evidence;
    Mode mode = Mode::dry_run;
    std::optional<CanaryPolicy> canary;  // unset: nothing to prove (notify)
    std::string runbook;
    std::string request;            // of people: which of all, so that none is carried out twice; "": the rules' own
    std::optional<Nanos> approval_within;  // set: begins only when people approve it, within so long
    std::string next = {};          // one thing that people can do at once: a command, or a line for a file; "" when none
    std::string risk = {};          // of `next`, or of the change
    std::vector<std::string> refused = {};  // what else was not done for the function lately, by which rule and why
};

// A rule that fired and was not allowed to act, or lost to another.
struct Refusal {
    FunctionRef target;
    std::string rule;
    std::string reason;
    std::string change = {};  // what it would have done, for people; "" where that is not known
};

struct Plan {
    std::vector<Action> actions;    // at most one change a function
    std::vector<Refusal> refused;   // for another reason than last time
    std::vector<Refusal> still_refused = {};  // for the same one; what it would have done was told then
};

enum class Disposition : std::uint8_t {
    planned,  // dry run: only said what it would do
    refused,  // not possible on this platform or not allowed
    in_progress,
    promoted,     // proved and serving
    rolled_back,  // harm found: old version serves
    reverted,     // not proved within the horizon, or given up: old version serves
    notified,
    failed,   // the platform refused half-way; the old state was restored
    waiting,  // for people to approve it: nothing was changed
};
[[nodiscard]] std::string_view to_string(Disposition d);
// Whether the platform was changed, or may have been: not what was only planned, told or refused.
[[nodiscard]] constexpr bool was_begun(Disposition d) {
    return d != Disposition::planned && d != Disposition::refused && d != Disposition::notified &&
           d != Disposition::waiting;
}

// What the canary judge has seen and concluded so far. E values are evidence against "worse than the
// margins" (promote) or for harm; kept as log10, since they grow without bound.
struct JudgeReport {
    enum class Decision : std::uint8_t { waiting, promote, rollback, hold } decision = Decision::waiting;
    std::uint64_t pairs = 0;            // canary calls that found a baseline call to compare with
    std::uint64_t canary_calls = 0, canary_failures = 0;
    std::uint64_t baseline_calls = 0, baseline_failures = 0;
    double log10_e_latency = 0;         // promote needs both of these ≥ log10(1/α)
    double log10_e_errors = 0;
    double log10_e_harm = 0;            // of all tests of harm; roll back at ≥ log10(1/β)
    Nanos baseline_p95{0}, canary_p95{0};
    std::string reason;                 // which test decided, or what is still missing
};
[[nodiscard]] std::string_view to_string(JudgeReport::Decision d);

struct Outcome {
    Action action;
    WallTime at;
    Disposition disposition{};
    std::optional<Change> undo;
    std::optional<JudgeReport> judged;
    Version candidate;                  // version the change made, "" when none
    WallTime candidate_published;       // when the platform confirmed it; epoch when none
    std::string detail;
    std::int64_t change = 0;            // its number in the journal; 0: it is not there
};

}  // namespace autotune
