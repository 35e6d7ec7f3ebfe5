// PythonFrames: the Python functions of each traced process, remembered by code object.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <unordered_map>

#include "agent/symbols/python_code.hpp"
#include "agent/symbols/python_interpreter.hpp"
#include "core/tables.hpp"

namespace autotune::symbols {

// One thread. Bounded. All calls are given the same Tables.
class PythonFrames {
public:
    // `memory` gives the reader of a process; tests give a fake.
    explicit PythonFrames(std::function<ReadMemory(std::int32_t pid)> memory = memory_of)
        : memory_(std::move(memory)) {}

    // Looks for an interpreter if `generation` (Symbolizer::observe) is new. Returns it when it was found
    // just now; the caller then tells the kernel side.
    const PythonInterpreter* look(Symbolizer& symbolizer, const ProcessId& process, std::uint64_t generation);

    // Null when the process is not known to run CPython. Valid until the next call.
    [[nodiscard]] const PythonInterpreter* interpreter(const ProcessId& process) const;

    // The process has become another program.
    void forget(const ProcessId& process) { processes_.erase(process); }

    // The frame's function and line. Nothing when its code object could not be read or was another's by
    // then; counted in unresolved().
    [[nodiscard]] std::optional<FrameId> resolve(const ProcessId& process, const at_python_frame& frame,
                                                 Tables& tables);
    [[nodiscard]] std::uint64_t unresolved() const { return unresolved_; }

private:
    struct Process {
        std::uint64_t generation = 0;
        std::optional<PythonInterpreter> interpreter;
        ReadMemory read;
        std::unordered_map<std::uint64_t, PythonFunction> functions;  // by code object
    };
    const PythonFunction* function(Process& process, const at_python_frame& frame);

    std::function<ReadMemory(std::int32_t)> memory_;
    std::unordered_map<ProcessId, Process> processes_;
    std::size_t remembered_ = 0;  // at least as many as there are functions
    std::uint64_t unresolved_ = 0;
};

}  // namespace autotune::symbols
