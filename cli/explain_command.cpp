// autotune explain ID: one change with all that is on record of it.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "cli/arguments.hpp"
#include "cli/commands.hpp"
#include "cli/exit_status.hpp"
#include "cli/explanation.hpp"
#include "cli/iac_patch.hpp"
#include "cli/state_folder.hpp"
#include "knowledge/sqlite_store.hpp"
#include "os/file.hpp"

namespace autotune::cli {

namespace {

constexpr std::size_t kLookedThrough = 1'000;  // changes and refusals, for what the same function did not get
constexpr Nanos kNear = std::chrono::hours(24);

// Of its function and its days only: there may be any number of others, and of later ones.
RefusalQuery refused_beside(const ChangeRecord& change) {
    return {.from = change.opened - kNear, .before = change.opened + kNear, .function = change.action.target, .limit = kLookedThrough};
}

Result<Explanation> look_up(SqliteStore& store, ChangeId id) {
    auto change = store.change(id);
    if (!change) return change.forward();
    auto trail = store.audit(id);
    if (!trail) return trail.forward();
    auto others = store.changes(kLookedThrough);
    if (!others) return others.forward();
    Explanation out{.change = std::move(*change), .steps = std::move(*trail), .not_chosen = {}, .refused = {}};
    for (ChangeRecord& other : *others) {
        const Nanos before = out.change.opened - other.opened;
        if (other.id != id && other.action.target == out.change.action.target &&
            other.disposition == Disposition::refused && before < kNear && before > -kNear)
            out.not_chosen.push_back(std::move(other));
    }
    auto refusals = store.refused(refused_beside(out.change));
    if (!refusals) return refusals.forward();
    out.refused = *std::move(refusals);
    return out;
}

// Patches of all files below that would undo the resize.
int print_patches(const ChangeRecord& change, const std::filesystem::path& folder) {
    const auto* resize = std::get_if<Resize>(&change.action.change);
    if (resize == nullptr) {
        std::cerr << "autotune explain: only a change of memory has a patch; this one is: " << describe(change.action.change) << "\n";
        return kFailed;
    }
    namespace fs = std::filesystem;
    std::vector<fs::path> files;
    std::error_code trouble;
    for (fs::recursive_directory_iterator entry(folder, fs::directory_options::skip_permission_denied, trouble), end;
         !trouble && entry != end; entry.increment(trouble)) {
        const std::string name = entry->path().filename().string();
        std::error_code unknown;
        if (entry->is_directory(unknown) && (name.starts_with('.') || name == "node_modules")) entry.disable_recursion_pending();
        if (entry->is_regular_file(unknown)) files.push_back(entry->path());
    }
    if (trouble) return std::cerr << "autotune explain: " << folder.string() << ": " << trouble.message() << "\n", kFailed;
    std::sort(files.begin(), files.end());
    bool found = false;
    for (const fs::path& file : files) {
        const std::string name = file.filename().string();
        if (!name.ends_with(".tf") && !name.ends_with(".yml") && !name.ends_with(".yaml") && !name.ends_with(".template")) continue;
        const auto text = read_file(file);
        if (!text) continue;
        const MemoryPlace place = find_memory(*text, name, change.action.target.name, resize->to_mb);
        const std::string path = file.lexically_relative(folder).generic_string();
        for (const std::size_t line : place.computed)
            std::cerr << path << ":" << line << ": memory is computed here, and would undo the change unless it is "
                      << resize->to_mb << "\n";
        std::cout << unified_diff(*text, path, place.edits);
        found |= !place.edits.empty() || !place.computed.empty();
    }
    if (found) return kDone;
    std::cerr << "autotune explain: nothing below " << folder.string() << " would undo it\n";
    return kFindings;
}

}  // namespace

int explain_command(int argc, char** argv) {
    CLI::App app(
        "One change: rule, evidence, prediction and outcome, what was refused beside it, and each step.",
        "autotune explain");
    app.footer(
        "examples:\n  autotune explain 12\n  autotune explain 12 --json | jq .steps\n"
        "  autotune explain 12 --patch infra | git -C infra apply    # Terraform, SAM, serverless.yml: so that the next\n"
        "                                                            # deployment does not undo it; status 3: nothing would");
    std::filesystem::path state = default_state_folder();
    std::int64_t id = 0;
    bool json = false;
    app.add_option("ID", id, "number of a change, as autotune history shows it")
        ->required()
        ->check(CLI::PositiveNumber);
    app.add_option("--state", state, "state folder of the agent")->type_name("DIR")->capture_default_str();
    app.add_flag("--json", json, "as JSON");
    std::filesystem::path patched;
    app.add_option("--patch", patched, "instead: a patch of the files below that set the function's memory to something else")
        ->type_name("DIR")
        ->check(CLI::ExistingDirectory);
    if (const auto over = read_arguments(app, argc, argv)) return *over;
    auto store = SqliteStore::open_read_only(store_file(state));
    if (!store) return std::cerr << "autotune explain: " << store.error().message << "\n", kFailed;
    const auto found = look_up(**store, ChangeId(id));
    if (!found) return std::cerr << "autotune explain: " << found.error().message << "\n", kFailed;
    if (!patched.empty()) return print_patches(found->change, patched);
    std::cout << (json ? explanation_json(*found) : explanation_text(*found));
    return kDone;
}

}  // namespace autotune::cli
