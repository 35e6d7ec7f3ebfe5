// StackBuilder: from one sample to the stack that is shown: names, and Python's and native frames merged.
#pragma once

#include <cstddef>
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
    std::size_t guessed_runs = 0;  // of Python frames whose place among the native ones is not known (stack_weave.hpp)
};

// With Python frames: these and the native frames outside the interpreter, each at its place (stack_weave.hpp); of the
// native frames only the leaf when they were found by frame pointers, which the interpreter does not keep. The C
// library's start of the thread is left out. Without (or when none of their code objects can be read): the native
// frames.
[[nodiscard]] BuiltStack build_stack(const SampleRecord& sample, Symbolizer& symbolizer, PythonFrames& python,
                                     Tables& tables);

// Whether a native stack, leaf first, goes down to where a thread begins: its outermost frames are the
// start code or `main`. libc is mostly stripped, so what lies below `main` may have no name.
[[nodiscard]] bool reaches_start(const std::vector<FrameId>& leaf_first, const Tables& tables);

}  // namespace autotune::symbols
