// autotune approve ID: lets a change begin that waits for it.
#include <CLI/CLI.hpp>
#include <iostream>
#include <string>

#include "cli/approvals.hpp"
#include "cli/arguments.hpp"
#include "cli/caller.hpp"
#include "cli/commands.hpp"
#include "cli/exit_status.hpp"
#include "cli/state_folder.hpp"
#include "knowledge/sqlite_store.hpp"

namespace autotune::cli {

namespace {

int refuse(const std::string& why) {
    std::cerr << "autotune approve: " << why << "\n";
    return kFailed;
}

int approve(const std::filesystem::path& state, const Approval& approval) {
    auto store = SqliteStore::open_read_only(store_file(state));
    if (!store) return refuse(store.error().message);
    const auto change = (*store)->change(approval.id);
    if (!change) return refuse(change.error().message);
    const std::string which = "change " + std::to_string(static_cast<std::int64_t>(approval.id));
    if (change->step != Step::waiting)
        return refuse(which + " does not wait for an approval; it is " +
                      std::string(change->step == Step::closed ? to_string(change->disposition)
                                                               : to_string(change->step)));
    const WallTime until = change->opened + change->action.approval_within.value_or(Nanos(0));
    if (SystemClock().wall() >= until) return refuse(which + " could be approved until " + to_rfc3339(until));
    if (const Status left = leave(approvals_folder(state), approval); !left)
        return refuse(left.error().message);
    std::cerr << "approved: " << describe(change->action.change) << " of " << change->action.target.name
              << "; the agent of " << state.string() << " begins as soon as the guardrails allow, until "
              << to_rfc3339(until) << "\n";
    return kDone;
}

}  // namespace

int approve_command(int argc, char** argv) {
    CLI::App app("Lets a change begin that waits for an approval (guardrails.approval of the rules file).",
                 "autotune approve");
    app.footer(
        "examples:\n  autotune history              # what waits, with the requests that it would send\n"
        "  autotune explain 12\n  autotune approve 12");
    std::filesystem::path state = default_state_folder();
    std::int64_t id = 0;
    std::string who = caller();
    app.add_option("ID", id, "number of a change, as autotune history shows it")
        ->required()
        ->check(CLI::PositiveNumber);
    app.add_option("--by", who, "who approves, for the journal")->type_name("NAME")->capture_default_str();
    app.add_option("--state", state, "state folder of the agent")->type_name("DIR")->capture_default_str();
    if (const auto over = read_arguments(app, argc, argv)) return *over;
    return approve(state, {ChangeId(id), who});
}

}  // namespace autotune::cli
