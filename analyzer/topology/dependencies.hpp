// NSDMiner, second half: of candidate dependencies those that are believed.
#pragma once

#include <cstdint>
#include <optional>

#include "analyzer/topology/dependency_miner.hpp"
#include "core/dependency_graph.hpp"
#include "core/flow.hpp"

namespace autotune::analysis {

// With w(A) the flows to A and w(A→B) the edge's weight:
enum class Ranking : std::uint8_t {
    ratio,      // 100 · w(A→B) / w(A)
    logarithm,  // 100 · ln w(A→B) / ln w(A): also of what is needed now and then (caches, one call in ten)
};

// Services that listen on one port and share at least `similarity` (0 to 1) of the longer list of
// dependencies are alike, and so are those alike to one of them; what more than `agreement` (0 to 1) of such
// a group need, all do.
struct InferenceOptions {
    double similarity = 0.5, agreement = 0.5;
};

struct DependencyOptions {
    Ranking ranking = Ranking::logarithm;
    double alpha = 80;               // what ranks below is not believed
    std::uint64_t least_flows = 50;  // services with fewer are not judged
    std::optional<InferenceOptions> inference;
    // Servers on one port that at least so many services need together share one load: their weights are
    // ranked as one. 0: no clusters.
    std::uint32_t cluster_support = 0;
};

// Pure. Nodes are those with flows or edges.
[[nodiscard]] DependencyGraph dependencies(const Candidates& candidates, const FlowNames& names,
                                           const DependencyOptions& options);

}  // namespace autotune::analysis
