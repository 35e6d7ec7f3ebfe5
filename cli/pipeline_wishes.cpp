// What people leave for the loop: approvals, deployments, applications, rollbacks.
#include <algorithm>
#include <utility>

#include "cli/approvals.hpp"
#include "cli/deployments.hpp"
#include "cli/pipeline.hpp"

namespace autotune::cli {

namespace {
constexpr std::size_t kLookedThrough = 1'000;  // changes, for what a death kept from being forgotten
}  // namespace

// What people asked for, or approved. `what`: the sentence that `why` ends.
void Pipeline::held_back(const Action& action, const std::string& what, const std::string& why) {
    check(fail(Errc::conflict, what + why));
    refusals_.add({action.target, action.rule, why, describe(action.change)}, parts_.clock.wall());
}

// A conflict is that another agent has its lease, or changes it: it will be asked again, and goes on record.
void Pipeline::did_not_begin(const Action& action, const Error& error, const std::string& what) {
    if (error.code == Errc::conflict) return held_back(action, what + ": ", error.message);
    check(unexpected(error.with_context(what)));
}

// One that cannot begin yet stays where it is, and is looked at again at the next evaluation.
void Pipeline::take_approvals(const rules::Situation& now) {
    if (options_.approvals.empty() || parts_.executor.waiting().empty()) return;
    for (const Approval& approval : approvals_in(options_.approvals)) {
        const std::string which =
            "change " + std::to_string(static_cast<std::int64_t>(approval.id)) + " is approved";
        const auto waiting = parts_.executor.waiting();
        const auto found = std::find_if(waiting.begin(), waiting.end(),
                                        [&](const ChangeRecord& r) { return r.id == approval.id; });
        if (found == waiting.end()) {
            check(forget(options_.approvals, approval.id));
            continue;
        }
        const Action action = found->action;  // the executor may forget it
        std::string why = options_.mode == Mode::dry_run
                              ? "this agent runs dry"
                              : rules::held_back(parts_.rules, engine_, now, action.target);
        if (!why.empty()) {
            held_back(action, which + " and not begun yet: ", why);
            continue;
        }
        if (const Status begun = parts_.executor.approve(approval.id, approval.who); !begun) {
            did_not_begin(action, begun.error(), which);
            continue;
        }
        check(forget(options_.approvals, approval.id));
        refresh_history();
        executing_ = true;
    }
}

// By an agent that died before it could say so: the journal knows.
Result<bool> Pipeline::was_begun_before(const Action& asked) {
    // Also what was refused or only planned: it was answered.
    const auto records = parts_.store.changes(kLookedThrough);
    if (!records) return records.forward();
    return std::any_of(records->begin(), records->end(), [&](const ChangeRecord& r) {
        return !asked.request.empty() && r.action.request == asked.request;
    });
}

// What cannot begin yet stays where it is, and is looked at again at the next evaluation.
void Pipeline::take_left(const std::vector<LeftAction>& all, const rules::Situation& now) {
    for (const LeftAction& left : all) {
        Action action = left.action;
        const std::string what = describe(action.change) + " of " + action.target.name;
        const auto before = was_begun_before(action);
        if (!before) {  // then it waits: it must not be done twice
            check(before.forward("reading the journal"));
            continue;
        }
        if (*before) {
            check(forget(left));
            continue;
        }
        const std::string why = options_.mode == Mode::dry_run
                                    ? ""
                                    : rules::held_back(parts_.rules, engine_, now, action.target);
        if (!why.empty()) {
            held_back(action, what + " is not begun yet: ", why);
            continue;
        }
        action.mode = std::min(action.mode, options_.mode);
        if (action.canary)
            action.canary->weight = std::min(action.canary->weight, parts_.rules.guardrails.max_canary_weight);
        const auto started = parts_.executor.start(action);
        if (!started) {
            did_not_begin(action, started.error(), what);
            if (started.error().code != Errc::not_found) continue;  // a name that is none stays none
        }
        check(forget(left));
        take_outcomes();
        refresh_history();
        executing_ |= started && started->has_value();
    }
}

std::vector<std::string> Pipeline::packages_needed() const {
    std::vector<std::string> needed;
    for (const auto changes : {parts_.executor.open(), parts_.executor.waiting()})
        for (const ChangeRecord& change : changes)
            if (const auto* deploy = std::get_if<Deploy>(&change.action.change)) needed.push_back(deploy->package);
    return needed;
}

void Pipeline::take_deployments(const rules::Situation& now) {
    if (options_.deployments.empty()) return;
    take_left(deployments_in(options_.deployments), now);
    sweep_packages(options_.deployments, packages_needed());
}

void Pipeline::not_taken_back(ChangeId id, const Error& error) {
    const std::string which = "change " + std::to_string(static_cast<std::int64_t>(id));
    check(unexpected(error.with_context("rolling back " + which)));
    if (error.code != Errc::conflict) return;
    if (const auto change = parts_.store.change(id))
        refusals_.add({change->action.target, change->action.rule, error.message, "rollback of " + which}, parts_.clock.wall());
}

// Not held back by freezes and limits: they keep from changing, and this is the way back.
void Pipeline::take_rollbacks() {
    if (options_.rollbacks.empty()) return;
    for (const Approval& wish : approvals_in(options_.rollbacks)) {
        if (options_.mode == Mode::dry_run) {
            not_taken_back(wish.id, {Errc::conflict, "this agent runs dry"});
            continue;
        }
        const auto undo = parts_.executor.roll_back(wish.id, wish.who);
        // Nothing to take back, and that will not change; else it is asked again.
        const bool vain = !undo && (undo.error().code == Errc::invalid_argument || undo.error().code == Errc::not_found);
        if (!undo) not_taken_back(wish.id, undo.error());
        if (!undo && !vain) continue;
        check(forget(options_.rollbacks, wish.id));
        take_outcomes();
        refresh_history();
        executing_ |= undo.has_value();
    }
}

}  // namespace autotune::cli
