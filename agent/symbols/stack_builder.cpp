#include "agent/symbols/stack_builder.hpp"

#include <algorithm>
#include <array>

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

BuiltStack build_stack(const SampleRecord& sample, Symbolizer& symbolizer, PythonFrames& python,
                       Tables& tables) {
    const ProcessId& process = sample.from.process;
    std::vector<FrameId> frames = python_frames(sample, python, tables);
    if (!frames.empty()) {
        const PythonInterpreter* interpreter = python.interpreter(process);
        const Mapping* leaf =
            sample.native.empty() ? nullptr : symbolizer.mapping_at(process, sample.native[0]);
        if (leaf != nullptr && interpreter != nullptr && leaf->path != interpreter->module)
            frames.insert(frames.begin(), symbolizer.resolve(process, sample.native[0], tables));
        return {.stack = tables.stacks.intern(frames),
                .truncated = sample.python_result != AT_PYTHON_WHOLE,
                .python = true};
    }
    const bool by_pointers = sample.native_result == AT_NATIVE_POINTERS;
    for (std::size_t i = 0; i < sample.native.size(); ++i) {
        // Code without frame pointers uses that register for data: what it then "returns" to is nowhere.
        if (by_pointers && i > 0 && symbolizer.maps(process).find(sample.native[i]) == nullptr) break;
        frames.push_back(i == 0 ? symbolizer.resolve(process, sample.native[i], tables)
                                : symbolizer.resolve_return(process, sample.native[i], tables));
    }
    return {.stack = tables.stacks.intern(frames),
            .truncated = sample.native_result != AT_NATIVE_WHOLE && !reaches_start(frames, tables)};
}

}  // namespace autotune::symbols
