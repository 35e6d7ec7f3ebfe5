#include "rules/workflow/load.hpp"

#include <string>

#include "rules/workflow/sequence.hpp"
#include "rules/workflow/states.hpp"

namespace autotune::rules {

namespace {

constexpr std::size_t kMostWorkflowNodes = 1'000'000;

// `wsk action get` says "ok: got action NAME" before the JSON. Blanks in its place, so that lines and columns
// stay.
std::string without_greeting(std::string_view text) {
    std::string out(text);
    const auto end = text.find('\n');
    if (text.starts_with("ok: ") && end != std::string_view::npos) out.replace(0, end, end, ' ');
    return out;
}

}  // namespace

LoadedWorkflows load_workflows(std::string_view given, Syntax syntax, std::string_view name) {
    const std::string text = without_greeting(given);
    if (text != given) syntax = Syntax::json;
    LoadedWorkflows out;
    YamlDocument document = parse_document(text, syntax, kMostWorkflowNodes);
    out.diagnostics = std::move(document.diagnostics);
    if (document.root && document.root->kind != YamlNode::Kind::null) {
        Reader reader(text, out.diagnostics);
        if (is_state_machine(*document.root))
            out.workflows.push_back(read_state_machine(reader, *document.root, name));
        else
            out.workflows = read_sequences(reader, *document.root);
        if (out.workflows.empty() && !has_errors(out.diagnostics))
            reader.error(document.root->at, "none of the actions is a sequence");
    } else if (out.diagnostics.empty()) {
        out.diagnostics.push_back({Diagnostic::Kind::error, {}, "the file is empty"});
    }
    if (has_errors(out.diagnostics)) {
        out.workflows.clear();
        // What nothing leads to is mostly what a mistake cut off.
        std::erase_if(out.diagnostics,
                      [](const Diagnostic& d) { return d.kind == Diagnostic::Kind::warning; });
    }
    return out;
}

}  // namespace autotune::rules
