// What people say about functions that a log cannot: what may not be together, and why. The format: docs/reclustering.md.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "rules/diagnostic.hpp"
#include "rules/recluster/log.hpp"
#include "rules/yaml/json.hpp"

namespace autotune::rules {

struct FunctionTraits {
    std::string runtime, architecture, role, network;  // "": not said
    double memory_mb = 0, peak_mb = 0, timeout_ms = 0; // 0: not said
    std::optional<double> cpu_share;                   // of its own time, at the memory of the log
};

struct GroupConstraints {
    std::unordered_map<std::string, FunctionTraits> functions;
    std::set<std::string> alone;                    // do_not_fuse: NAME
    std::vector<std::vector<std::string>> apart;    // do_not_fuse: [NAME, NAME…]: no two of them
    std::uint32_t most_functions = 0;               // of a group; 0: any
    double most_memory_mb = 10'240;
    std::optional<double> overhead_ms;              // of a remote call, instead of what is measured
};

struct LoadedConstraints {
    std::optional<GroupConstraints> constraints;  // unset when there is an error
    std::vector<Diagnostic> diagnostics;
};
[[nodiscard]] LoadedConstraints load_constraints(std::string_view text, Syntax syntax);

}  // namespace autotune::rules
