// autotune topology --calls FILE --method requests: which call was made while serving which.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "core/critical_path.hpp"
#include "core/dependency_graph.hpp"
#include "core/result.hpp"

namespace autotune::cli {

struct RequestsOptions {
    std::string calls;            // path, - is standard input
    std::size_t window = 50'000;  // calls
    bool paths = false;           // critical ones are wanted too
    std::string lines;  // path of {"id","parent","confidence"} a call, - is standard output; "": none
};

struct Requests {
    DependencyGraph graph;  // weight: calls; confidence: the mean of theirs, of 100
    CriticalPaths paths;    // where they were wanted
    std::string told;       // what was found, for people
};

// Tells lines that were skipped on standard error. Errors: invalid_argument and corrupt are of the input,
// others of the machine.
[[nodiscard]] Result<Requests> reconstruct_requests(const RequestsOptions& options);

}  // namespace autotune::cli
