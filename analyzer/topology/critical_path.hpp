// Critical paths of works, and what a faster service would save. Pure.
//
// From the end of a work backwards: the call that ended last of those it waited for, before it whatever had ended last when
// that began, and so on; between them the work itself. Each call is gone into the same way. Calls that end after their
// work's end were not waited for, and are on no path. (C.-Q. Yang, B. P. Miller, Critical path analysis for the execution
// of parallel and distributed programs, ICDCS 1988; Z. Zhang et al., CRISP, USENIX ATC 2022.)
//
// What is saved is found by going through it again, forwards: each call begins after all that had ended when it began, as
// long after the last of them as it did, and so does the end; what is the service's own takes nine tenths of its time.
// So a sibling that ends nearly as late limits what is saved.
#pragma once

#include <cstddef>

#include "analyzer/topology/path_forest.hpp"
#include "core/critical_path.hpp"

namespace autotune::analysis {

struct CriticalPathOptions {
    std::size_t slowest = 100;  // requests told one by one
    std::size_t steps = 500;    // of each
    std::size_t asked = 64;     // services of which it is worked out what they would save: those with most time on paths
};

// Time in proportion to calls, times services asked. Work that is its own ancestor is in no group.
[[nodiscard]] CriticalPaths critical_paths(PathForest forest, const CriticalPathOptions& options = {});

// The same of each request by itself. Works that another work waited for, or whose end or origin is not known, have no share.
[[nodiscard]] RequestPaths request_paths(const OwnerGraph& graph, const CriticalPathOptions& options = {});

}  // namespace autotune::analysis
