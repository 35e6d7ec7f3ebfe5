// Python programs taken apart, by Python's own parser: runtimes/decompose/ does it in a process of its own.
#pragma once

#include <string>

namespace autotune::cli {

struct DecomposePython {
    std::string program, entry = "main", depth = "medium";
    std::string package;        // the folder to write
    std::string alias = "live";
    std::string interpreter = "python3";
    int memory_mb = 256, timeout_s = 60;
    bool json = false;
};

// Prints what became a function on stdout, what did not on stderr; returns the exit status.
[[nodiscard]] int decompose_python(const DecomposePython& wish);

}  // namespace autotune::cli
