#include "cli/call_filter.hpp"

#include <fnmatch.h>

#include <filesystem>
#include <variant>

#include "cli/trace_request.hpp"

namespace autotune::cli {

bool is_function(const std::string& pattern, const std::string& name, const std::string& file) {
    const auto matches = [&](const std::string& text) {
        return ::fnmatch(pattern.c_str(), text.c_str(), 0) == 0;
    };
    if (matches(name)) return true;
    const std::filesystem::path path(file);
    const std::string module = path.stem() == "__init__" ? path.parent_path().filename() : path.stem();
    if (module.empty()) return false;
    if (matches(module + "." + name)) return true;
    const auto last = name.rfind('.');  // Class.method, outer.<locals>.inner
    return last != std::string::npos &&
           (matches(module + name.substr(last)) || matches(name.substr(last + 1)));
}

bool CallFilter::wanted(const Event& event, FrameId id, const Tables& tables) {
    const bool within = event.by == Backend::runtime;
    const auto [known, fresh] = known_[within ? 1 : 0].try_emplace(id);
    if (!fresh) return known->second;
    const Frame& frame = tables.frames[id];
    const std::string name(tables.strings[frame.name]), file(tables.strings[frame.file]);
    // Native functions were chosen by who probes them. A program that was built to be traced tells the same calls from
    // within: they are not to be counted twice.
    for (const std::string& pattern : patterns_)
        known->second |= is_native(pattern) ? frame.kind == FrameKind::native && !within : is_function(pattern, name, file);
    return known->second;
}

void CallFilter::apply(EventBatch& batch) {
    if (patterns_.empty()) return;
    std::erase_if(batch.events, [&](const Event& event) {
        if (const auto* call = std::get_if<CallDone>(&event.body))
            return !wanted(event, call->function, batch.tables);
        if (const auto* totals = std::get_if<CallTotals>(&event.body))
            return !wanted(event, totals->function, batch.tables);
        return false;
    });
}

}  // namespace autotune::cli
