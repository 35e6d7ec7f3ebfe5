#include "agent/symbols/stack_builder.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "agent/symbols/stack_weave.hpp"

namespace autotune::symbols {

namespace {

// The Python part; empty when nothing of it could be resolved.
std::vector<FrameId> python_frames(const SampleRecord& sample, PythonFrames& python, Tables& tables) {
    std::vector<FrameId> frames;
    bool any = false;
    for (const at_python_frame& f : sample.python) {
        const auto frame = python.resolve(sample.from.process, f, tables);
        any = any || frame.has_value();
        frames.push_back(frame ? *frame
                               : tables.frames.intern({.name = tables.strings.intern("[unreadable]"),
                                                       .kind = FrameKind::python}));
    }
    if (!any) frames.clear();
    return frames;
}

}  // namespace

bool reaches_start(const std::vector<FrameId>& leaf_first, const Tables& tables) {
    static constexpr std::array kStarts{"_start",
                                        "main",
                                        "start_thread",
                                        "clone",
                                        "clone3",
                                        "__clone",
                                        "__clone3",
                                        "__libc_start_main",
                                        "__libc_start_call_main",
                                        "_dl_start_user"};
    const std::size_t count = std::min<std::size_t>(leaf_first.size(), 3);
    return std::any_of(
        leaf_first.end() - static_cast<std::ptrdiff_t>(count), leaf_first.end(), [&](FrameId id) {
            return std::ranges::find(kStarts, tables.strings[tables.frames[id].name]) != kStarts.end();
        });
}

namespace {

// The function there, below it what was inlined.
void append_native(std::vector<FrameId>& frames, const SampleRecord& sample, std::size_t i, Symbolizer& symbolizer,
                   Tables& tables) {
    const std::uint64_t at = sample.native[i] - (i > 0 && sample.native[i] != 0 ? 1 : 0);
    const auto all = symbolizer.resolve_all(sample.from.process, at, tables);
    frames.insert(frames.end(), all.begin(), all.end());
}

// The C library's files hold what starts a thread.
bool is_thread_start(const Mapping& mapping) {
    const std::string_view path = mapping.path;
    const std::string_view name = path.substr(path.rfind('/') + 1);
    return name.starts_with("libc.") || name.starts_with("libc-") || name.starts_with("libpthread") ||
           name.starts_with("ld-");
}

std::vector<NativeRole> roles_of(const SampleRecord& sample, Symbolizer& symbolizer,
                                 const PythonInterpreter& interpreter) {
    std::vector<NativeRole> roles;
    std::vector<bool> starts;
    for (std::size_t i = 0; i < sample.native.size(); ++i) {
        const std::uint64_t at = sample.native[i] - (i == 0 ? 0 : 1);
        const Mapping* mapping = symbolizer.mapping_at(sample.from.process, at);
        const bool own = mapping == nullptr || interpreter.is_own(*mapping);
        roles.push_back(interpreter.is_evaluator(at) ? NativeRole::evaluator
                        : own                        ? NativeRole::interpreter
                                                     : NativeRole::foreign);
        starts.push_back(mapping != nullptr && is_thread_start(*mapping));
    }
    const bool has_evaluator = std::ranges::find(roles, NativeRole::evaluator) != roles.end();
    for (std::size_t i = roles.size(); has_evaluator && i > 0 && roles[i - 1] != NativeRole::evaluator; --i) {
        if (roles[i - 1] == NativeRole::foreign && !starts[i - 1]) break;  // a program that Python is embedded in
        roles[i - 1] = NativeRole::interpreter;
    }
    // Where its evaluator is not known, what the innermost Python function called is all that has a place.
    if (!has_evaluator) roles.erase(std::ranges::find(roles, NativeRole::interpreter), roles.end());
    return roles;
}

BuiltStack woven_stack(const SampleRecord& sample, const std::vector<FrameId>& python,
                       const PythonInterpreter& interpreter, Symbolizer& symbolizer, Tables& tables) {
    std::vector<NativeRole> roles = roles_of(sample, symbolizer, interpreter);
    const bool by_pointers = sample.native_result == AT_NATIVE_POINTERS;
    if (by_pointers) roles.resize(std::min<std::size_t>(roles.size(), 1));
    std::vector<std::uint8_t> entries;
    for (const at_python_frame& f : sample.python) entries.push_back((f.code & AT_PYTHON_ENTRY) != 0 ? 1 : 0);
    const Woven woven = weave({.native = roles,
                               .is_entry = entries,
                               .native_whole = sample.native_result == AT_NATIVE_WHOLE,
                               .python_whole = sample.python_result == AT_PYTHON_WHOLE});
    std::vector<FrameId> frames;
    for (const Woven::Place& place : woven.places) {
        if (place.is_python)
            frames.push_back(python[place.index]);
        else
            append_native(frames, sample, place.index, symbolizer, tables);
    }
    return {.stack = tables.stacks.intern(frames),
            .truncated = sample.python_result != AT_PYTHON_WHOLE,
            .python = true,
            .guessed_runs = woven.guessed_runs};
}

}  // namespace

BuiltStack build_stack(const SampleRecord& sample, Symbolizer& symbolizer, PythonFrames& python,
                       Tables& tables) {
    const ProcessId& process = sample.from.process;
    std::vector<FrameId> frames = python_frames(sample, python, tables);
    const PythonInterpreter* interpreter = frames.empty() ? nullptr : python.interpreter(process);
    if (interpreter != nullptr) return woven_stack(sample, frames, *interpreter, symbolizer, tables);
    const bool by_pointers = sample.native_result == AT_NATIVE_POINTERS;
    for (std::size_t i = 0; i < sample.native.size(); ++i) {
        // Code without frame pointers uses that register for data: what it then "returns" to is nowhere.
        if (by_pointers && i > 0 && symbolizer.maps(process).find(sample.native[i]) == nullptr) break;
        append_native(frames, sample, i, symbolizer, tables);
    }
    return {.stack = tables.stacks.intern(frames),
            .truncated = sample.native_result != AT_NATIVE_WHOLE && !reaches_start(frames, tables)};
}

}  // namespace autotune::symbols
