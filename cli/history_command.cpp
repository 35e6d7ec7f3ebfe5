// autotune history: changes on record, newest first; or the invocations of one function.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>
#include <string>

#include "cli/arguments.hpp"
#include "cli/change_json.hpp"
#include "cli/commands.hpp"
#include "cli/exit_status.hpp"
#include "cli/state_folder.hpp"
#include "exporters/render/json.hpp"
#include "knowledge/sqlite_store.hpp"

namespace autotune::cli {

namespace {

void print_change(const ChangeRecord& c) {
    std::cout << to_rfc3339(c.opened) << "  #" << static_cast<std::int64_t>(c.id) << "  "
              << c.action.target.name << "  " << describe(c.action.change) << "\n    rule " << c.action.rule
              << ": " << c.action.because << "\n    "
              << (c.step == Step::closed ? to_string(c.disposition) : to_string(c.step));
    if (!c.candidate.empty()) std::cout << ", version " << c.before.stable << " → " << c.candidate;
    if (c.judged) std::cout << ", " << c.judged->pairs << " pairs: " << c.judged->reason;
    if (!c.detail.empty()) std::cout << "\n    " << c.detail;
    std::cout << "\n";
}

int print_invocations(SqliteStore& store, const std::string& function) {
    const auto records = store.invocations_since({.provider = "aws-lambda", .name = function}, WallTime());
    if (!records) return std::cerr << "autotune history: " << records.error().message << "\n", kFailed;
    for (const Invocation& i : *records) std::cout << render::invocation_json(i) << "\n";
    return kDone;
}

int print_changes(SqliteStore& store, std::size_t limit, bool json) {
    const auto records = store.changes(limit);
    if (!records) return std::cerr << "autotune history: " << records.error().message << "\n", kFailed;
    for (const ChangeRecord& c : *records) {
        if (json)
            std::cout << change_json(c) << "\n";
        else
            print_change(c);
    }
    if (records->empty() && !json) std::cerr << "nothing was changed yet\n";
    return kDone;
}

int verify(SqliteStore& store) {
    const auto count = store.verify_audit();
    if (!count) return std::cerr << "autotune history: " << count.error().message << "\n", kFindings;
    std::cout << *count << " audit records, unbroken\n";
    return kDone;
}

}  // namespace

int history_command(int argc, char** argv) {
    CLI::App app("What was changed, why and with which proof; newest first.", "autotune history");
    app.footer(
        "examples:\n  autotune history\n  autotune history --json | jq .judged\n"
        "  autotune history --invocations thumbnail --json\n  autotune history --verify");
    std::filesystem::path state = default_state_folder();
    std::size_t limit = 100;
    std::string function;
    bool json = false, check_chain = false;
    app.add_option("--state", state, "state folder of the agent")->capture_default_str();
    app.add_option("--limit", limit, "at most so many changes")->capture_default_str();
    app.add_option("--invocations", function,
                   "the invocations on record of this function instead, oldest first, as JSON lines");
    app.add_flag("--json", json, "one JSON object a line");
    app.add_flag("--verify", check_chain, "check the audit's hash chain; exit 3 if it is broken");
    if (const auto over = read_arguments(app, argc, argv)) return *over;
    auto store = SqliteStore::open_read_only(store_file(state));
    if (!store) return std::cerr << "autotune history: " << store.error().message << "\n", kFailed;
    if (check_chain) return verify(**store);
    return function.empty() ? print_changes(**store, limit, json) : print_invocations(**store, function);
}

}  // namespace autotune::cli
