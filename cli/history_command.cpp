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

void print_refusal(const RefusalRecord& r) {
    std::cout << to_rfc3339(r.at) << "  refused  " << r.what.target.name << "  "
              << (r.what.change.empty() ? "nothing that would help" : r.what.change) << "\n    rule " << r.what.rule << ": "
              << r.what.reason << "\n";
}

int failed(const Error& error) { return std::cerr << "autotune history: " << error.message << "\n", kFailed; }

// Both by time, newest first. Machines are given one kind of line at a time.
int print_changes(SqliteStore& store, std::size_t limit, bool json) {
    const auto records = store.changes(limit);
    if (!records) return failed(records.error());
    if (json) {
        for (const ChangeRecord& c : *records) std::cout << change_json(c) << "\n";
        return kDone;
    }
    const auto refusals = store.refused({.limit = limit});
    if (!refusals) return failed(refusals.error());
    auto refusal = refusals->begin();
    std::size_t left = limit;
    for (const ChangeRecord& c : *records) {
        for (; left > 0 && refusal != refusals->end() && refusal->at >= c.opened; ++refusal, --left) print_refusal(*refusal);
        if (left == 0) return kDone;
        print_change(c);
        --left;
    }
    for (; left > 0 && refusal != refusals->end(); ++refusal, --left) print_refusal(*refusal);
    if (records->empty()) std::cerr << "nothing was changed yet\n";
    return kDone;
}

int print_refusals(SqliteStore& store, std::size_t limit, bool json) {
    const auto refusals = store.refused({.limit = limit});
    if (!refusals) return failed(refusals.error());
    for (const RefusalRecord& r : *refusals) {
        if (json)
            std::cout << refusal_json(r) << "\n";
        else
            print_refusal(r);
    }
    if (refusals->empty() && !json) std::cerr << "nothing was refused lately\n";
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
    CLI::App app("What was changed, why and with which proof, and what rules were refused; newest first.", "autotune history");
    app.footer(
        "examples:\n  autotune history\n  autotune history --json | jq .judged\n"
        "  autotune history --refused\n"
        "  autotune history --invocations thumbnail --json\n  autotune history --verify");
    std::filesystem::path state = default_state_folder();
    std::size_t limit = 100;
    std::string function;
    bool json = false, check_chain = false, refused = false;
    app.add_option("--state", state, "state folder of the agent")->capture_default_str();
    app.add_option("--limit", limit, "at most so many changes")->capture_default_str();
    app.add_option("--invocations", function,
                   "the invocations on record of this function instead, oldest first, as JSON lines");
    app.add_flag("--refused", refused, "only what rules were refused, and why: one entry a change of reason");
    app.add_flag("--json", json, "one JSON object a line: changes, or with --refused refusals");
    app.add_flag("--verify", check_chain, "check the audit's hash chain; exit 3 if it is broken");
    if (const auto over = read_arguments(app, argc, argv)) return *over;
    auto store = SqliteStore::open_read_only(store_file(state));
    if (!store) return std::cerr << "autotune history: " << store.error().message << "\n", kFailed;
    if (check_chain) return verify(**store);
    if (refused) return print_refusals(**store, limit, json);
    return function.empty() ? print_changes(**store, limit, json) : print_invocations(**store, function);
}

}  // namespace autotune::cli
