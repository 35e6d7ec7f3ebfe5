// Finds the CPython interpreter in a process: its version and where its runtime state lies.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agent/symbols/memory_reader.hpp"
#include "agent/symbols/python_layout.hpp"
#include "agent/symbols/symbolizer.hpp"
#include "core/ids.hpp"

namespace autotune::symbols {

struct PythonInterpreter {
    PythonLayout layout;
    std::uint64_t runtime = 0;    // &_PyRuntime
    std::uint64_t code_type = 0;  // &PyCode_Type
    std::string module;           // path of the file that is the interpreter: libpython or an executable
    std::array<Symbolizer::Range, 2> evaluator;  // _PyEval_EvalFrameDefault, and the cold part that it may have

    [[nodiscard]] bool is_evaluator(std::uint64_t address) const {
        return evaluator[0].contains(address) || evaluator[1].contains(address);
    }
    // Of the interpreter: its library, and the executable that only starts it.
    [[nodiscard]] bool is_own(const Mapping& mapping) const;
};

// Minor version from the name of an interpreter's file: "/usr/bin/python3.11", "libpython3.8.so.1.0".
[[nodiscard]] std::optional<unsigned> python_minor_of_path(std::string_view path);

// Nothing when the process runs no CPython, or one whose layout is not known. The symbols are dynamic ones,
// so a stripped interpreter is found too; which of the mapped files it is, is tried out on each.
[[nodiscard]] std::optional<PythonInterpreter> find_python(Symbolizer& symbolizer, const ProcessId& process,
                                                           const ReadMemory& read);

}  // namespace autotune::symbols
