// Weave: one stack out of a thread's native frames and CPython's. Pure.
//
// CPython runs Python functions in one native function, the evaluator (_PyEval_EvalFrameDefault). Up to 3.10 it is
// entered anew for each of them; from 3.11 on only where C calls into Python, and what Python itself calls has no
// native frame of its own. So each of the evaluator's frames stands for one run of Python frames, which ends with an
// entry frame; it is replaced by them. The interpreter's other frames are the work of the Python function that is
// under way and are left out; all else (C extensions, libraries, a program that Python is embedded in) stays at
// its place.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace autotune::symbols {

enum class NativeRole : std::uint8_t {
    foreign,      // shown
    interpreter,  // left out
    evaluator,    // replaced by a run of Python frames
};

struct WeaveInput {
    std::span<const NativeRole> native;       // innermost first, as all here
    std::span<const std::uint8_t> is_entry;   // of each Python frame: the evaluator was entered with it
    bool native_whole = false;                // reached the thread's start
    bool python_whole = false;
};

struct Woven {
    struct Place {
        bool is_python = false;
        std::size_t index = 0;  // in `native` or among the Python frames
        bool operator==(const Place&) const = default;
    };
    std::vector<Place> places;  // innermost first; every Python frame is among them, once
    // Runs of Python frames for which the native stack, although whole, has no evaluator's frame: where they are put
    // is a guess.
    std::size_t guessed_runs = 0;
};

// Where both stacks are whole, runs and evaluator's frames are matched from the outermost on: the innermost evaluator
// may have been entered just now and have no frame yet. Else from the innermost, which both have.
[[nodiscard]] Woven weave(const WeaveInput& input);

}  // namespace autotune::symbols
