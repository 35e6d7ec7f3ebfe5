#include "cli/topology_workflow.hpp"

#include <cstdio>
#include <filesystem>
#include <string_view>

#include "analyzer/topology/workflow_visits.hpp"
#include "cli/text_pieces.hpp"
#include "rules/workflow/load.hpp"

namespace autotune::cli {

namespace {

constexpr std::size_t kMostBytes = 64 << 20;

// Of a state machine, which has none of its own: the file's, without its endings.
std::string name_of(const std::string& path) {
    std::string name = path == "-" ? "workflow" : std::filesystem::path(path).filename().string();
    for (const std::string_view ending : {".gz", ".json", ".yaml", ".yml", ".asl"})
        if (name.size() > ending.size() && name.ends_with(ending)) name.resize(name.size() - ending.size());
    return name;
}

Status give_to_any(std::vector<Workflow>& workflows, const std::string& text) {
    Status last = ok();
    for (Workflow& workflow : workflows) {
        last = analysis::give(workflow, text);
        if (last || last.error().code != Errc::not_found) return last;
    }
    return fail(Errc::invalid_argument, "--given: " + last.error().message);
}

}  // namespace

Result<std::vector<Workflow>> read_workflows(const std::string& path, const std::vector<std::string>& given) {
    std::string text;
    const Status read = read_text_in_pieces(path, [&](std::string_view piece) -> Status {
        if (text.size() + piece.size() > kMostBytes)
            return fail(Errc::resource_exhausted, shown_path(path) + " is larger than 64 MiB");
        text += piece;
        return ok();
    });
    if (!read) return read.forward();
    rules::LoadedWorkflows loaded = rules::load_workflows(text, rules::syntax_of(path, text), name_of(path));
    for (const rules::Diagnostic& d : loaded.diagnostics)
        std::fprintf(stderr, "%s\n", rules::format(d, shown_path(path)).c_str());
    if (loaded.workflows.empty()) return fail(Errc::invalid_argument, "");
    for (const std::string& each : given)
        if (Status s = give_to_any(loaded.workflows, each); !s) return s.forward();
    for (Workflow& workflow : loaded.workflows) analysis::count_visits(workflow);
    return std::move(loaded.workflows);
}

}  // namespace autotune::cli
