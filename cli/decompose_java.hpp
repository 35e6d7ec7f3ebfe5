// The functions that a Java file's annotations ask for, as a patch.
#pragma once

#include <string>

namespace autotune::cli {

// Writes the patch to `out` ("": standard output); mistakes go to stderr as file:line:column. Returns the exit status.
[[nodiscard]] int decompose_java(const std::string& program, const std::string& out);

}  // namespace autotune::cli
