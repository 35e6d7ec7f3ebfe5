#include "providers/executor.hpp"

#include <algorithm>
#include <list>
#include <utility>

#include "providers/admission.hpp"
#include "providers/change_driver.hpp"
#include "providers/change_state.hpp"

namespace autotune {

struct Executor::Impl {
    Provider& provider;
    KnowledgeStore& store;
    const Clock& clock;
    ExecutorOptions options;
    std::list<ChangeDriver> drivers;
    std::vector<ChangeRecord> shown;  // what open() shows
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
        if (const auto kept = store.open_change(record); !kept) detail += " (not on record: " + kept.error().message + ")";
        outcomes.push_back({.action = action,
                            .at = clock.wall(),
                            .disposition = disposition,
                            .undo = {},
                            .judged = {},
                            .candidate = {},
                            .candidate_published = {},
                            .detail = std::move(detail)});
        return std::nullopt;
    }
    [[nodiscard]] std::string new_token(const Action& action, WallTime at) {
        return action.target.provider + "/" + action.target.name + "/" +
               std::to_string(at.time_since_epoch().count()) + "/" + std::to_string(++started);
    }
    [[nodiscard]] DriverContext context() { return {provider, store, clock, options}; }
};

namespace {
std::string joined(const std::vector<std::string>& lines) {
    std::string text;
    for (const std::string& line : lines) text += (text.empty() ? "" : "\n") + line;
    return text;
}

Outcome outcome_of(const ChangeRecord& record) {
    Outcome outcome{.action = record.action,
                    .at = record.updated,
                    .disposition = record.disposition,
                    .undo = {},
                    .judged = record.judged,
                    .candidate = record.candidate,
                    .candidate_published = record.candidate_published,
                    .detail = record.detail};
    if (record.disposition == Disposition::promoted)
        outcome.undo = Resize{.from_mb = resize_of(record).to_mb, .to_mb = record.before_memory_mb};
    return outcome;
}
}  // namespace

Executor::Executor(Provider& provider, KnowledgeStore& store, const Clock& clock, ExecutorOptions options)
    : impl_(new Impl{provider, store, clock, std::move(options), {}, {}, {}}) {}

Executor::~Executor() = default;

Status Executor::recover() {
    auto unfinished = impl_->store.unfinished_changes();
    if (!unfinished) return unfinished.forward("taking up unfinished changes");
    for (ChangeRecord& record : *unfinished)
        impl_->drivers.push_back(ChangeDriver::resumed(impl_->context(), std::move(record)));
    impl_->refresh();
    return ok();
}

Result<std::optional<ChangeId>> Executor::start(const Action& action) {
    if (std::holds_alternative<Notify>(action.change))
        return impl_->conclude(action, Disposition::notified, describe(action.change));
    for (const ChangeDriver& d : impl_->drivers)
        if (d.record().action.target == action.target)
            return impl_->conclude(action, Disposition::refused,
                                   "a change of rule \"" + d.record().action.rule + "\" is under way there");

    auto state = impl_->provider.get(action.target);
    if (!state) return state.forward("looking at " + action.target.name + " before changing it");
    const Routing* alias = choose_alias(*state, impl_->options.alias);
    const Status admitted = admit(action, *state, alias, impl_->provider.capabilities());
    if (!admitted && admitted.error().code == Errc::conflict)
        return admitted.forward("changing " + action.target.name);
    if (!admitted)
        return impl_->conclude(action, Disposition::refused, admitted.error().message);
    if (action.mode == Mode::dry_run) {
        state->aliases = {*alias};
        const auto requests = impl_->provider.preview(action.change, *state, &*action.canary);
        return impl_->conclude(action, Disposition::planned, joined(requests));
    }

    ChangeRecord record;
    record.opened = record.updated = impl_->clock.wall();
    record.token = impl_->new_token(action, record.opened);
    record.action = action;
    record.before = *alias;
    record.before_memory_mb = state->config.memory_mb;
    const auto id = impl_->store.open_change(record);
    if (!id) return id.forward("beginning " + describe(action.change) + " of " + action.target.name);
    record.id = *id;
    impl_->drivers.push_back(ChangeDriver::begun(impl_->context(), std::move(record), state->etag));
    impl_->refresh();
    return std::optional(*id);
}

bool Executor::step() {
    auto& drivers = impl_->drivers;
    for (ChangeDriver& d : drivers) {
        d.step();
        if (d.record().step == Step::closed) impl_->outcomes.push_back(outcome_of(d.record()));
    }
    std::erase_if(drivers, [](const ChangeDriver& d) { return d.record().step == Step::closed; });
    impl_->refresh();
    return std::any_of(drivers.begin(), drivers.end(), [](const ChangeDriver& d) { return d.can_go_on(); });
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

std::vector<Outcome> Executor::take_outcomes() { return std::exchange(impl_->outcomes, {}); }

}  // namespace autotune
