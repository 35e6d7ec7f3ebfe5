#include "providers/executor.hpp"

#include <algorithm>
#include <list>
#include <utility>

#include "providers/admission.hpp"
#include "providers/change_driver.hpp"
#include "providers/change_outcome.hpp"
#include "providers/change_state.hpp"
#include "providers/completion.hpp"
#include "providers/take_over.hpp"
#include "providers/tuning.hpp"

namespace autotune {

namespace {
std::string number(ChangeId id) { return std::to_string(static_cast<std::int64_t>(id)); }

WallTime approval_ends(const ChangeRecord& record) {
    return record.opened + record.action.approval_within.value_or(Nanos(0));
}

std::string joined(const std::vector<std::string>& lines) {
    std::string text;
    for (const std::string& line : lines) text += (text.empty() ? "" : "\n") + line;
    return text;
}
}  // namespace

struct Executor::Impl {
    Provider& provider;
    KnowledgeStore& store;
    const Clock& clock;
    ExecutorOptions options;
    Leases leases;
    std::list<ChangeDriver> drivers;
    std::vector<ChangeRecord> shown;  // what open() shows
    std::vector<ChangeRecord> waiting;
    std::vector<Outcome> outcomes;
    std::uint64_t started = 0;

    [[nodiscard]] ChangeDriver* find(ChangeId id) {
        const auto at = std::find_if(drivers.begin(), drivers.end(),
                                     [&](const ChangeDriver& d) { return d.record().id == id; });
        return at == drivers.end() ? nullptr : &*at;
    }
    void refresh() {
        shown.clear();
        for (const ChangeDriver& d : drivers) shown.push_back(d.shown());
    }
    // Nothing was begun. The journal keeps what people were told; if it cannot, they are told all the same.
    std::nullopt_t conclude(const Action& action, Disposition disposition, std::string detail) {
        ChangeRecord record;
        record.opened = record.updated = clock.wall();
        record.token = new_token(action, record.opened);
        record.action = action;
        record.step = Step::closed;
        record.disposition = disposition;
        record.detail = detail;
        const auto kept = store.open_change(record);
        if (!kept) detail += " (not on record: " + kept.error().message + ")";
        outcomes.push_back({.action = action,
                            .at = clock.wall(),
                            .disposition = disposition,
                            .undo = {},
                            .judged = {},
                            .candidate = {},
                            .candidate_published = {},
                            .detail = std::move(detail),
                            .change = kept ? static_cast<std::int64_t>(*kept) : 0});
        return std::nullopt;
    }
    [[nodiscard]] std::string new_token(const Action& action, WallTime at) {
        return action.target.provider + "/" + action.target.name + "/" +
               std::to_string(at.time_since_epoch().count()) + "/" + std::to_string(++started);
    }
    // Ends a change that waits; false: the journal could not be written, and it waits on.
    bool drop(const ChangeRecord& record, std::string why) {
        ChangeRecord closed = record;
        closed.step = Step::closed;
        closed.disposition = Disposition::refused;
        closed.updated = clock.wall();
        closed.detail = std::move(why);
        if (!store.save_change(closed)) return false;
        outcomes.push_back(outcome_of(closed));
        return true;
    }
    // Those that nobody approved in time.
    void expire() {
        const WallTime now = clock.wall();
        std::erase_if(waiting, [&](const ChangeRecord& r) {
            return now >= approval_ends(r) &&
                   drop(r, "nobody approved it until " + to_rfc3339(approval_ends(r)));
        });
    }
    [[nodiscard]] DriverContext context() { return {provider, store, clock, options, &leases}; }
    // Ok when this agent may begin to change the function, as far as other agents go. Errors: conflict; the store's.
    Status may_begin(const FunctionState& state, const Routing* alias) {
        if (!leases.are_taken()) return ok();
        const Holder holder = leases.look(state.function, state.lease);
        if (holder == Holder::another) return fail(Errc::conflict, leases.who(state.lease));
        if (holder != Holder::expired || is_whole(state, alias)) return ok();
        ChangeRecord record = take_over_record(state, *alias, leases.who(state.lease));
        record.opened = record.updated = clock.wall();
        record.token = new_token(record.action, record.opened);
        const auto id = store.open_change(record);
        if (!id) return id.forward("taking over " + state.function.name);
        record.id = *id;
        drivers.push_back(ChangeDriver::resumed(context(), std::move(record)));
        refresh();
        return fail(Errc::conflict, "what another agent left half-way is put back first, by change " + number(*id));
    }

    // The function as it is now; of its aliases only the one to steer, where there is one that is needed.
    struct Looked {
        FunctionState state;
        Status admitted;
    };
    // What the platform tells of the action is filled in. `begins`: it is to be changed now, which no other agent may be doing.
    // Errors: conflict; the platform's.
    Result<Looked> look(Action& action, bool begins) {
        auto state = provider.get(action.target);
        if (!state) return state.forward("looking at " + action.target.name + " before changing it");
        Looked out{*std::move(state), ok()};
        const Routing* alias = choose_alias(out.state, options.alias);
        if (begins)
            if (const Status free = may_begin(out.state, alias); !free) return free.forward("changing " + action.target.name);
        auto completed = complete(provider, action, out.state, alias);
        if (!completed) return completed.forward();
        out.admitted = std::move(completed->admitted);
        out.state.aliases = completed->steers ? std::vector{*alias} : std::vector<Routing>{};
        return out;
    }
};

Executor::Executor(Provider& provider, KnowledgeStore& store, const Clock& clock, ExecutorOptions options)
    : impl_(new Impl{provider, store, clock, options, {provider, clock, {options.owner, options.lease, options.lease_settle}},
                     {}, {}, {}, {}}) {}

Executor::~Executor() = default;

Status Executor::recover() {
    auto unfinished = impl_->store.unfinished_changes();
    if (!unfinished) return unfinished.forward("taking up unfinished changes");
    for (ChangeRecord& record : *unfinished)
        if (record.step == Step::waiting)
            impl_->waiting.push_back(std::move(record));
        else
            impl_->drivers.push_back(ChangeDriver::resumed(impl_->context(), std::move(record)));
    impl_->refresh();
    return ok();
}

Result<std::optional<ChangeId>> Executor::start(const Action& planned) {
    Action action = planned;
    if (auto* wrap = std::get_if<Wrap>(&action.change)) wrap->layer = impl_->options.layer.name;
    if (std::holds_alternative<Notify>(action.change))
        return impl_->conclude(action, Disposition::notified, describe(action.change));
    for (const ChangeDriver& d : impl_->drivers)
        if (d.record().action.target == action.target)
            return impl_->conclude(action, Disposition::refused,
                                   "a change of rule \"" + d.record().action.rule + "\" is under way there");

    for (const ChangeRecord& r : impl_->waiting)
        if (r.action.target == action.target)
            return impl_->conclude(action, Disposition::refused,
                                   "change " + number(r.id) + " waits for an approval there");

    auto looked = impl_->look(action, action.mode == Mode::apply);
    if (!looked) return looked.forward();
    FunctionState* state = &looked->state;
    const Status& admitted = looked->admitted;
    if (!admitted && admitted.error().code == Errc::conflict)
        return admitted.forward("changing " + action.target.name);
    if (!admitted)
        return impl_->conclude(action, Disposition::refused, admitted.error().message);
    if (action.mode == Mode::dry_run) {
        const auto requests = impl_->provider.preview(action.change, *state, &*action.canary);
        return impl_->conclude(action, Disposition::planned, joined(requests));
    }

    ChangeRecord record;
    record.opened = record.updated = impl_->clock.wall();
    record.token = impl_->new_token(action, record.opened);
    record.action = action;
    if (makes_version(action.change)) {
        record.before = state->aliases.front();
        record.before_head = state->head.tuned;
    }
    if (action.approval_within) {
        record.step = Step::waiting;
        record.disposition = Disposition::waiting;
        record.detail = joined(impl_->provider.preview(action.change, *state, &*action.canary));
    }
    const auto id = impl_->store.open_change(record);
    if (!id) return id.forward("beginning " + describe(action.change) + " of " + action.target.name);
    record.id = *id;
    if (action.approval_within) {
        impl_->outcomes.push_back(outcome_of(record));
        impl_->outcomes.back().detail =
            "autotune approve " + number(record.id) + ", until " + to_rfc3339(approval_ends(record));
        impl_->waiting.push_back(std::move(record));
        return std::optional<ChangeId>();
    }
    impl_->drivers.push_back(ChangeDriver::begun(impl_->context(), std::move(record), *state));
    impl_->refresh();
    return std::optional(*id);
}

Status Executor::approve(ChangeId id, const std::string& who) {
    impl_->expire();
    const auto found = std::find_if(impl_->waiting.begin(), impl_->waiting.end(),
                                    [&](const ChangeRecord& r) { return r.id == id; });
    if (found == impl_->waiting.end())
        return fail(Errc::not_found, "change " + number(id) + " does not wait");
    Action& action = found->action;
    for (const ChangeDriver& d : impl_->drivers)
        if (d.record().action.target == action.target)
            return fail(Errc::conflict, "a change of " + action.target.name + " is under way");
    auto looked = impl_->look(action, true);
    if (!looked) return looked.forward();
    const FunctionState* state = &looked->state;
    Status admitted = looked->admitted;
    if (!admitted && admitted.error().code == Errc::conflict)
        return admitted.forward("changing " + action.target.name);
    const bool of_version = makes_version(action.change);
    const std::string other = of_version ? differs(state->head.tuned, found->before_head) : "";
    if (admitted && !other.empty())
        admitted = fail(Errc::invalid_argument, "the function is not as it was when this was planned: " + other);
    if (!admitted) {
        if (!impl_->drop(*found, "approved by " + who + ", but " + admitted.error().message))
            return fail(Errc::unavailable, "the journal cannot be written");
        impl_->waiting.erase(found);
        return ok();
    }
    ChangeRecord next = *found;
    next.step = Step::intended;
    next.disposition = Disposition::in_progress;
    // The program may be another one by now, with another wrapper.
    if (auto* wrap = std::get_if<Wrap>(&next.action.change)) wrap->layer = impl_->options.layer.name;
    if (of_version) next.before = state->aliases.front();
    next.updated = impl_->clock.wall();
    next.detail = "approved by " + who;
    if (const Status saved = impl_->store.save_change(next); !saved)
        return saved.forward("beginning " + describe(action.change) + " of " + action.target.name);
    impl_->waiting.erase(found);
    impl_->drivers.push_back(ChangeDriver::begun(impl_->context(), std::move(next), *state));
    impl_->refresh();
    return ok();
}

Result<ChangeId> Executor::roll_back(ChangeId id, const std::string& who) {
    const std::string by = "rolled back by " + who;
    const auto waits = std::find_if(impl_->waiting.begin(), impl_->waiting.end(),
                                    [&](const ChangeRecord& r) { return r.id == id; });
    if (waits != impl_->waiting.end()) {
        if (!impl_->drop(*waits, by + " before it was approved"))
            return fail(Errc::unavailable, "the journal cannot be written");
        impl_->waiting.erase(waits);
        return id;
    }
    if (ChangeDriver* driver = impl_->find(id)) {
        const Status withdrawn = driver->withdraw(by);
        impl_->refresh();
        if (!withdrawn) return withdrawn.forward();
        return id;
    }
    auto done = impl_->store.change(id);
    if (!done) return done.forward();
    const std::string& name = done->action.target.name;
    for (const ChangeDriver& d : impl_->drivers)
        if (d.record().action.target == done->action.target)
            return fail(Errc::invalid_argument,
                        "change " + number(d.record().id) + " of " + name + " is under way: roll that one back first");
    auto state = impl_->provider.get(done->action.target);
    if (!state) return state.forward("looking at " + name + " before it is rolled back");
    if (impl_->leases.are_taken() && impl_->leases.look(state->function, state->lease) == Holder::another)
        return fail(Errc::conflict, "rolling back " + name + ": " + impl_->leases.who(state->lease));
    const bool of_version = makes_version(done->action.change);
    if (!of_version && done->disposition != Disposition::promoted)  // nothing that the platform could be asked for
        return fail(Errc::invalid_argument, "change " + number(id) + ": there is nothing to roll back: it was " +
                                                std::string(to_string(done->disposition)));
    const auto now = of_version ? Result<SettingSeen>(SettingSeen{}) : read_setting(impl_->provider, done->action);
    if (!now) return now.forward("before it is rolled back");
    const Status possible = of_version ? admit_undo(*done, *state) : admit_undo(*done, now->number);
    if (!possible) return possible.forward("change " + number(id));
    ChangeRecord undo = undo_record(*std::move(done), by);
    undo.opened = undo.updated = impl_->clock.wall();
    undo.token = impl_->new_token(undo.action, undo.opened);
    const auto opened = impl_->store.open_change(undo);
    if (!opened) return opened.forward("rolling back " + name);
    undo.id = *opened;
    impl_->drivers.push_back(ChangeDriver::resumed(impl_->context(), std::move(undo)));
    impl_->refresh();
    return *opened;
}

bool Executor::step(std::optional<ChangeId> only) {
    if (!only) impl_->expire();
    auto& drivers = impl_->drivers;
    for (ChangeDriver& d : drivers) {
        if (only && d.record().id != *only) continue;
        d.step();
        if (d.record().step != Step::closed) continue;
        d.release_lease();
        impl_->outcomes.push_back(outcome_of(d.record()));
    }
    std::erase_if(drivers, [](const ChangeDriver& d) { return d.record().step == Step::closed; });
    impl_->refresh();
    return std::any_of(drivers.begin(), drivers.end(), [&](const ChangeDriver& d) {
        return (!only || d.record().id == *only) && d.can_go_on();
    });
}

Status Executor::decide(ChangeId id, const JudgeReport& report, Disposition how) {
    ChangeDriver* driver = impl_->find(id);
    if (driver == nullptr) return fail(Errc::not_found, "that change is not under way");
    const Status decided = driver->decide(report, how);
    impl_->refresh();
    return decided;
}

void Executor::note(ChangeId id, const JudgeReport& report) {
    if (ChangeDriver* driver = impl_->find(id)) driver->note(report);
    impl_->refresh();
}

std::span<const ChangeRecord> Executor::open() const { return impl_->shown; }

std::span<const ChangeRecord> Executor::waiting() const { return impl_->waiting; }

std::vector<Outcome> Executor::take_outcomes() { return std::exchange(impl_->outcomes, {}); }

}  // namespace autotune
