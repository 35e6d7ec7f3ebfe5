// autotune explain ID: one change with all that is on record of it.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "cli/arguments.hpp"
#include "cli/commands.hpp"
#include "cli/exit_status.hpp"
#include "cli/explanation.hpp"
#include "cli/state_folder.hpp"
#include "knowledge/sqlite_store.hpp"

namespace autotune::cli {

namespace {

constexpr std::size_t kLookedThrough = 1'000;  // changes, for those that the same function did not get
constexpr Nanos kNear = std::chrono::hours(24);

Result<Explanation> look_up(SqliteStore& store, ChangeId id) {
    auto change = store.change(id);
    if (!change) return change.forward();
    auto trail = store.audit(id);
    if (!trail) return trail.forward();
    auto others = store.changes(kLookedThrough);
    if (!others) return others.forward();
    Explanation out{.change = std::move(*change), .steps = std::move(*trail), .not_chosen = {}};
    for (ChangeRecord& other : *others) {
        const Nanos before = out.change.opened - other.opened;
        if (other.id != id && other.action.target == out.change.action.target &&
            other.disposition == Disposition::refused && before < kNear && before > -kNear)
            out.not_chosen.push_back(std::move(other));
    }
    return out;
}

}  // namespace

int explain_command(int argc, char** argv) {
    CLI::App app(
        "One change: rule, evidence, prediction and outcome, what was refused beside it, and each step.",
        "autotune explain");
    app.footer("examples:\n  autotune explain 12\n  autotune explain 12 --json | jq .steps");
    std::filesystem::path state = default_state_folder();
    std::int64_t id = 0;
    bool json = false;
    app.add_option("ID", id, "number of a change, as autotune history shows it")
        ->required()
        ->check(CLI::PositiveNumber);
    app.add_option("--state", state, "state folder of the agent")->type_name("DIR")->capture_default_str();
    app.add_flag("--json", json, "as JSON");
    if (const auto over = read_arguments(app, argc, argv)) return *over;
    auto store = SqliteStore::open_read_only(store_file(state));
    if (!store) return std::cerr << "autotune explain: " << store.error().message << "\n", kFailed;
    const auto found = look_up(**store, ChangeId(id));
    if (!found) return std::cerr << "autotune explain: " << found.error().message << "\n", kFailed;
    std::cout << (json ? explanation_json(*found) : explanation_text(*found));
    return kDone;
}

}  // namespace autotune::cli
