// StackBuilder: from one sample to the stack that is shown: names, and Python's and native frames merged.
#pragma once

#include <cstdint>
#include <vector>

#include "agent/symbols/python_frames.hpp"
#include "agent/symbols/sampler_record.hpp"
#include "agent/symbols/symbolizer.hpp"
#include "core/tables.hpp"

namespace autotune::symbols {

struct BuiltStack {
    StackId stack{};
    bool truncated = false;
    bool python = false;
};

// With Python frames: these, and below the innermost the native leaf if it is outside the interpreter.
// Without (or when none of their code objects can be read): the native frames.
[[nodiscard]] BuiltStack build_stack(const SampleRecord& sample, Symbolizer& symbolizer, PythonFrames& python,
                                     Tables& tables);

// Whether a native stack, leaf first, goes down to where a thread begins: its outermost frames are the
// start code or `main`. libc is mostly stripped, so what lies below `main` may have no name.
[[nodiscard]] bool reaches_start(const std::vector<FrameId>& leaf_first, const Tables& tables);

}  // namespace autotune::symbols
