#include "rules/lifecycle.hpp"

#include <algorithm>

#include "rules/cel/duration.hpp"
#include "rules/plan/resize.hpp"

namespace autotune::rules {

namespace {

constexpr Nanos kDay = std::chrono::hours(24);

// Time since `then`; none when the wall clock was set back.
Nanos since(WallTime then, WallTime now) { return std::max(now - then, Nanos(0)); }

bool by(const PastChange& change, const Rule& rule, const FunctionRef& function) {
    return change.rule == rule.name && change.function == function;
}

void start(std::optional<WallTime>& timer, WallTime now) {
    if (!timer || *timer > now) timer = now;
}

}  // namespace

void advance(RuleState& state, const Rule& rule, Truth when, Truth cleared, WallTime now) {
    // Nobody looked for longer than a window: nothing is known of the time between.
    if (since(state.seen, now) > rule.window) state.holds_since.reset();
    state.seen = now;
    if (when == Truth::yes)
        start(state.holds_since, now);
    else
        state.holds_since.reset();

    if (state.holds_since && !state.active_since && since(*state.holds_since, now) >= rule.hold_for)
        state.active_since = now;
    if (!state.active_since) return;
    if (when != Truth::yes && cleared == Truth::yes)
        start(state.clear_since, now);
    else
        state.clear_since.reset();
    if (state.clear_since && since(*state.clear_since, now) >= rule.clear_for) {
        state.active_since.reset();
        state.clear_since.reset();
        state.refused_because.clear();
        state.dependencies.clear();
    }
}

std::string resting(const RuleState& state, const Rule& rule, const FunctionRef& function,
                    const History& history, WallTime now) {
    if (state.not_begun && since(*state.not_begun, now) < state.not_begun_rest)
        return "its last action was not begun; it is tried again after " +
               cel::format_duration(state.not_begun_rest);
    // The same action may be in both records, so the larger count is taken, not the sum.
    const auto recent = [&](WallTime at) { return since(at, now) < kDay; };
    auto told = static_cast<std::size_t>(std::count_if(state.acted.begin(), state.acted.end(), recent));
    std::optional<WallTime> last = state.acted.empty() ? std::nullopt : std::optional(state.acted.back());
    std::size_t remembered = 0;
    for (const PastChange& change : history.changes) {
        if (!by(change, rule, function)) continue;
        if (recent(change.opened)) ++remembered;
        if (!last || change.opened > *last) last = change.opened;
    }
    if (last && since(*last, now) < rule.cooldown)
        return "in its cooldown of " + cel::format_duration(rule.cooldown) + " after its last action";
    if (std::max(told, remembered) >= rule.max_actions_per_day)
        return "acted " + std::to_string(rule.max_actions_per_day) +
               " times within 24 hours, which is all it may";
    return "";
}

Attempts attempts_of(const Rule& rule, const FunctionRef& function, const History& history, WallTime now) {
    Attempts out;
    for (const PastChange& change : history.changes) {
        const auto* resize = std::get_if<Resize>(&change.change);
        if (!by(change, rule, function) || since(change.opened, now) > kBumpMemory) continue;
        const bool tried = change.disposition == Disposition::promoted ||
                           change.disposition == Disposition::rolled_back ||
                           change.disposition == Disposition::reverted;
        if (!tried) continue;
        if (const auto* reserve = std::get_if<Reserve>(&change.change);
            reserve != nullptr && change.disposition != Disposition::promoted)
            out.largest_unproven_reservation = std::max(out.largest_unproven_reservation, reserve->to.value_or(0));
        if (const auto* keep = std::get_if<KeepWarm>(&change.change); keep != nullptr && change.disposition != Disposition::promoted)
            out.largest_unproven_warm = std::max(out.largest_unproven_warm, keep->to.value_or(0));
        if (const auto* deploy = std::get_if<Deploy>(&change.change); deploy != nullptr && !deploy->remedy.empty())
            out.reclusterings.emplace(deploy->remedy, change.disposition);
        if (resize == nullptr) {
            if (const auto* wrap = std::get_if<Wrap>(&change.change)) out.wraps.emplace(wrap->remedy, change.disposition);
            continue;
        }
        ++out.count;
        if (change.disposition != Disposition::promoted)
            out.largest_unproven_mb = std::max(out.largest_unproven_mb, resize->to_mb);
    }
    return out;
}

std::string without_figures(std::string_view reason) {
    std::string out;
    for (const char c : reason)
        if ((c < '0' || c > '9') && c != '.') out += c;
    return out;
}

History history_from(std::span<const ChangeRecord> records) {
    History out;
    for (const ChangeRecord& r : records) {
        const Change& change = r.action.change;
        if (!changes_function(change) || (!was_begun(r.disposition) && r.step != Step::waiting)) continue;
        // Not yet closed: under way, whatever is already known of its end.
        const Disposition disposition = r.step == Step::closed    ? r.disposition
                                        : r.step == Step::waiting ? Disposition::waiting
                                                                  : Disposition::in_progress;
        out.changes.push_back({r.action.target, r.action.rule, r.opened, r.updated, change, disposition});
    }
    return out;
}

}  // namespace autotune::rules
