// What a CPython code object says of its function, read from the memory of a running process.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/symbols/memory_reader.hpp"
#include "agent/symbols/python_layout.hpp"
#include "core/result.hpp"

namespace autotune::symbols {

struct PythonFunction {
    std::uint64_t identity = 0;      // at_python_frame::identity at which this was read
    std::uint64_t instructions = 0;  // address of the first instruction; 0: frames hold an index
    std::string name;                // qualified from 3.11 on, UTF-8
    std::string file;
    std::uint32_t first_line = 0;
    std::vector<std::uint8_t> line_table;
};

// `code_type`: address of PyCode_Type in that process. Errors: unavailable when the memory cannot be read
// (the process is gone), corrupt when it holds no code object of that identity (any more).
[[nodiscard]] Result<PythonFunction> read_python_function(const ReadMemory& read, const PythonLayout& layout,
                                                          const at_python_frame& frame,
                                                          std::uint64_t code_type);

// The line that the frame has reached, 0 when not known.
[[nodiscard]] std::uint32_t line_of(const PythonFunction& function, const PythonLayout& layout,
                                    std::uint64_t instruction);

}  // namespace autotune::symbols
