// Puts the invocations of each trace together: which call made which, what a remote call costs beyond its callee.
#pragma once

#include <map>
#include <utility>

#include "core/result.hpp"
#include "rules/recluster/log.hpp"

namespace autotune::rules {

// What the caller waits beyond the callee's own time, in ms: medians of synchronous remote calls whose callee was
// warm and recorded.
struct Overheads {
    double overall = 40;         // of the pilot, where nothing was measured
    std::uint64_t measured = 0;  // calls
    std::map<std::pair<FunctionId, FunctionId>, double> of;  // caller, callee

    [[nodiscard]] double between(FunctionId caller, FunctionId callee) const {
        const auto found = of.find({caller, callee});
        return found == of.end() ? overall : found->second;
    }
};

struct Links {
    Overheads overheads;
    std::uint64_t assumed = 0;    // calls of known functions whose invocation was not recorded, or inside a group
    std::uint64_t elsewhere = 0;  // calls of what has no invocation in the log: databases and the like
    std::uint64_t orphans = 0;    // invocations whose parent, or its call, was not recorded
};

// Completes `log`. `overhead_ms`: instead of what is measured. Calls of functions that were recorded elsewhere in
// the log get an invocation of their own, `assumed`. Errors: invalid_argument, "line:1: what": two invocations of
// one id, one that two calls made, one that is its own ancestor.
[[nodiscard]] Result<Links> link(CallLog& log, std::optional<double> overhead_ms);

}  // namespace autotune::rules
