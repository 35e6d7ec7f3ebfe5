// PythonWatch: an expression that is evaluated in a CPython program whenever it comes to a line, as people write it
// and as the library of probes reads it. Pure.
//
//   handler.py:42 len(items)
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"

namespace autotune::runtime {

struct PythonWatch {
    std::string file;  // or the end of its path, at a '/'
    std::uint32_t line = 0;
    std::string expression;  // one line; whether it is Python is known where it is evaluated
    friend bool operator==(const PythonWatch&, const PythonWatch&) = default;
};

// Errors: invalid_argument, saying what is missing.
[[nodiscard]] Result<PythonWatch> parse_python_watch(std::string_view text);

struct PythonProbes {
    bool functions_in_c = false;  // calls of CPython's builtins and extension modules are told too
    std::vector<PythonWatch> watches;  // 16 at most
    bool allocations = false;          // no calls: what the allocators hand out (AllocationFiles)
    bool journal = false;              // of allocations: also when that was
};

// The library's options: runtimes/python/library.c. Errors: invalid_argument for what it has no room for.
[[nodiscard]] Result<std::string> python_options(const PythonProbes& probes);

}  // namespace autotune::runtime
