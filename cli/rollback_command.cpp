// autotune rollback ID: a change is taken back, by the agent where one runs, else by this command itself.
#include <CLI/CLI.hpp>
#include <chrono>
#include <iostream>
#include <string>
#include <thread>

#include "cli/approvals.hpp"
#include "cli/arguments.hpp"
#include "cli/caller.hpp"
#include "cli/commands.hpp"
#include "cli/exit_status.hpp"
#include "cli/state_folder.hpp"
#include "knowledge/sqlite_store.hpp"
#include "providers/aws_lambda.hpp"
#include "providers/executor.hpp"

namespace autotune::cli {

namespace {

constexpr Nanos kLook = std::chrono::milliseconds(200);

struct Request {
    Approval wish;
    std::filesystem::path state = default_state_folder();
    double patience_s = 60;

    [[nodiscard]] std::string which() const { return "change " + std::to_string(static_cast<std::int64_t>(wish.id)); }
    [[nodiscard]] Nanos patience() const {
        return std::chrono::duration_cast<Nanos>(std::chrono::duration<double>(patience_s));
    }
};

int refuse(const std::string& why) {
    std::cerr << "autotune rollback: " << why << "\n";
    return kFailed;
}

int tell(const ChangeRecord& change) {
    const bool is_back = change.disposition == Disposition::rolled_back || change.disposition == Disposition::reverted ||
                         change.disposition == Disposition::refused;
    std::cerr << change.action.target.name << ": " << change.detail << " (change "
              << static_cast<std::int64_t>(change.id) << ", " << to_string(change.disposition) << ")\n";
    return is_back ? kDone : kFailed;
}

// Nobody else writes the journal: this process does what the agent would, of this one change. Others stay where they are:
// a canary that nobody judges must not begin.
int by_ourselves(SqliteStore& store, const Request& request) {
    auto options = options_from_environment();
    if (!options) return refuse(options.error().message);
    const SystemClock clock;
    AwsLambda provider(std::move(*options), clock);
    auto name = agent_name(request.state);
    if (!name) return refuse(name.error().message);
    Executor executor(provider, store, clock, {.owner = *std::move(name)});
    if (const Status taken_up = executor.recover(); !taken_up) return refuse(taken_up.error().message);
    const auto undo = executor.roll_back(request.wish.id, request.wish.who);
    if (!undo) return refuse(undo.error().message);
    const Timestamp until = clock.now() + request.patience();
    while (clock.now() < until) {
        const auto change = store.change(*undo);
        if (change && change->step == Step::closed) return tell(*change);
        if (!executor.step(*undo)) std::this_thread::sleep_for(kLook);
    }
    return refuse(request.which() + " is on its way back, but not there yet: autotune run goes on with it, and so does this command");
}

// The change that the wish was made into, once it is closed.
Result<std::optional<ChangeRecord>> ended(SqliteStore& store, const Request& request, ChangeId newest_before) {
    auto change = store.change(request.wish.id);
    if (!change) return change.forward();
    const bool was_promoted = change->disposition == Disposition::promoted;
    if (!was_promoted && change->step == Step::closed) return std::optional(*std::move(change));
    if (!was_promoted) return std::optional<ChangeRecord>();
    auto newer = store.changes_since(change->updated);
    if (!newer) return newer.forward();
    for (ChangeRecord& r : *newer)
        if (r.id > newest_before && r.action.target == change->action.target && r.step == Step::closed &&
            r.action.because.starts_with(request.which() + " rolled back"))
            return std::optional(std::move(r));
    return std::optional<ChangeRecord>();
}

int by_the_agent(const Request& request) {
    auto store = SqliteStore::open_read_only(store_file(request.state));
    if (!store) return refuse(store.error().message);
    const auto newest = (*store)->changes(1);
    if (!newest) return refuse(newest.error().message);
    const ChangeId before = newest->empty() ? ChangeId(0) : newest->front().id;
    if (const Status left = leave(rollbacks_folder(request.state), request.wish); !left)
        return refuse(left.error().message);
    const SystemClock clock;
    for (const Timestamp until = clock.now() + request.patience(); clock.now() < until; std::this_thread::sleep_for(kLook)) {
        const auto change = ended(**store, request, before);
        if (!change) return refuse(change.error().message);
        if (*change) return tell(**change);
        const auto waiting = approvals_in(rollbacks_folder(request.state));
        const bool taken = std::none_of(waiting.begin(), waiting.end(), [&](const Approval& a) { return a.id == request.wish.id; });
        const auto now = (*store)->change(request.wish.id);
        const auto open = (*store)->unfinished_changes();
        if (taken && now && open && now->step == Step::closed &&
            std::none_of(open->begin(), open->end(), [&](const ChangeRecord& r) { return r.action.target == now->action.target; })) {
            const auto last = ended(**store, request, before);  // it may have ended between the two looks
            if (last && *last) return tell(**last);
            return refuse("the agent could not roll back " + request.which() + ", and says why");
        }
    }
    return refuse("the agent of " + request.state.string() + " has not rolled back " + request.which() +
                  " yet; the wish is left to it (an agent that runs dry does not act on it)");
}

int roll_back(const Request& request) {
    {
        auto store = SqliteStore::open_read_only(store_file(request.state));
        if (!store) return refuse(store.error().message);
        const auto change = (*store)->change(request.wish.id);
        if (!change) return refuse(change.error().message);
        if (change->step == Step::closed && change->disposition != Disposition::promoted)
            return refuse("there is nothing to roll back of " + request.which() + ": it was " +
                          std::string(to_string(change->disposition)));
    }
    auto own = SqliteStore::open(store_file(request.state));
    if (own) return by_ourselves(**own, request);
    if (own.error().code == Errc::already_exists) return by_the_agent(request);
    return refuse(own.error().message);
}

}  // namespace

int rollback_command(int argc, char** argv) {
    CLI::App app("Takes a change back: a canary under way ends, a promoted change is undone at once.", "autotune rollback");
    app.footer(
        "examples:\n  autotune history              # which change\n  autotune rollback 12\n\n"
        "The alias serves the version before again, then the function's head is put back. Refused where something came after\n"
        "it: that comes first. The agent does it where one runs, else this command; it is journalled either way.");
    Request request;
    std::int64_t id = 0;
    request.wish.who = caller();
    app.add_option("ID", id, "number of a change, as autotune history shows it")->required()->check(CLI::PositiveNumber);
    app.add_option("--by", request.wish.who, "who rolls back, for the journal")->type_name("NAME")->capture_default_str();
    app.add_option("--wait", request.patience_s, "seconds until this command gives up waiting")
        ->check(CLI::Range(0.0, 86400.0))
        ->capture_default_str();
    app.add_option("--state", request.state, "state folder of the agent")->type_name("DIR")->capture_default_str();
    if (const auto over = read_arguments(app, argc, argv)) return *over;
    request.wish.id = ChangeId(id);
    return roll_back(request);
}

}  // namespace autotune::cli
