// The libraries that work inside other programs, as bytes: whoever starts a program with one writes it to a file.
#pragma once

#include <string_view>

namespace autotune::runtimes {

// For programs that were built to be traced; see runtimes/native/library.c.
[[nodiscard]] std::string_view native_library();
// For CPython processes; see runtimes/python/library.c.
[[nodiscard]] std::string_view python_library();

}  // namespace autotune::runtimes
