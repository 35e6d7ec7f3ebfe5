// DependencyGraph: which service needs which, found from flows alone. Passive result of the analyzer.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace autotune {

struct DependencyNode {
    std::string name;
    std::uint64_t flows = 0;  // to it
};

struct Dependency {
    std::uint32_t from = 0, to = 0;  // index into nodes: `from` needs `to`
    double weight = 0;               // flows to `to` that were within one to `from`
    double confidence = 0;           // 0 to 100, in rare cases more: the rank that was cut at alpha
    bool inferred = false;           // only from services like it; then the mean of theirs
    std::uint32_t cluster =
        0;  // > 0: one of the DependencyGraph's clusters, whose servers stand for each other
};

struct DependencyGraph {
    std::vector<DependencyNode> nodes;                 // by name
    std::vector<Dependency> edges;                     // by (from, to)
    std::vector<std::vector<std::uint32_t>> clusters;  // nodes of each, by number; cluster n is [n - 1]
};

}  // namespace autotune
