// autotune catalogue: symptoms, evidence, remedies, and what became of them here.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "cli/arguments.hpp"
#include "cli/catalogue_text.hpp"
#include "cli/commands.hpp"
#include "cli/exit_status.hpp"
#include "cli/state_folder.hpp"
#include "cli/text_output.hpp"
#include "knowledge/sqlite_store.hpp"

namespace autotune::cli {

namespace {

int failed_with(const std::string& message) {
    std::fprintf(stderr, "autotune catalogue: %s\n", message.c_str());
    return kFailed;
}

}  // namespace

int catalogue_command(int argc, char** argv) {
    CLI::App app("Lists symptoms of functions, where their evidence is, what helps, and what became of it here", argv[0]);
    app.footer(
        "examples:\n"
        "  autotune catalogue\n"
        "  autotune catalogue --json | jq '.symptoms[] | select(.name == \"out-of-memory\")'\n"
        "  autotune catalogue --markdown -o catalogue.md\n\n"
        "Changes on record are counted with the symptom whose facts their rule saw: proved by a canary, harmful (rolled back),\n"
        "not proved (reverted), told to people; the latest with what was predicted and what was measured.");
    std::filesystem::path state = default_state_folder();
    std::string out;
    bool json = false, markdown = false;
    auto* folder = app.add_option("--state", state, "state folder of the agent")->capture_default_str();
    auto* as_json = app.add_flag("--json", json, "one JSON object");
    app.add_flag("--markdown", markdown, "a page of Markdown")->excludes(as_json);
    app.add_option("-o,--output", out, "write there; a name that ends in .json implies --json, in .md --markdown");
    if (const auto over = read_arguments(app, argc, argv)) return *over;
    const std::filesystem::path file = store_file(state);
    std::vector<RemedyRecord> known;
    std::error_code ignored;
    if (std::filesystem::exists(file, ignored)) {
        auto store = SqliteStore::open_read_only(file);
        if (!store) return failed_with(store.error().message);
        constexpr std::size_t kMost = 100'000;
        const auto changes = (*store)->changes(kMost);
        if (!changes) return failed_with(changes.error().message);
        known = experience(*changes);
    } else if (folder->count() > 0) {
        return failed_with("there is no store in " + state.string());
    } else {
        std::fprintf(stderr, "autotune catalogue: nothing is on record in %s yet\n", state.c_str());
    }
    const std::string_view name = out;
    const std::string text = json || (!markdown && name.ends_with(".json"))    ? catalogue_json(known)
                             : markdown || name.ends_with(".md") ? catalogue_markdown(known)
                                                                 : catalogue_text(known);
    const Status written = write_text(out, text);
    return written ? kDone : failed_with(written.error().message);
}

}  // namespace autotune::cli
