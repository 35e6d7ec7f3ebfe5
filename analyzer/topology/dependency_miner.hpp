// DependencyMiner: NSDMiner, first half: flows in, weights of candidate dependencies out.
//
// A flow P to service A contains a flow F to service B when F comes from A's host and lies within P in time.
// Then A may have called B to serve P. Each F adds 1 to B's weight, and to the edge A→B when one flow
// contains it; when k do, shared mode adds 1/k for each, exclusive mode drops F. No flow is its own parent,
// and no service its own dependency.
//
// A. Natarajan et al., NSDMiner: Automated discovery of network service dependencies, INFOCOM 2012; B.
// Peddycord et al., On the accurate identification of network service dependencies in distributed systems,
// LISA 2012.
#pragma once

#include <cstddef>
#include <cstdint>
#include <queue>
#include <unordered_map>
#include <vector>

#include "analyzer/topology/open_flows.hpp"
#include "core/flow.hpp"

namespace autotune::analysis {

enum class Ambiguous : std::uint8_t { shared, exclusive };

struct MinerOptions {
    Ambiguous ambiguous = Ambiguous::shared;
    // Flows are put into the order of their starts by being held back so long, as their own clock counts.
    // Exports are mostly in the order of the ends: then at least the longest flow.
    std::int64_t hold_back_ns = 60'000'000'000;
    std::size_t most_held = 4'000'000;  // past it the earliest goes on; 32 bytes each
    std::size_t most_edges = 4'000'000;
};

struct MinerCounters {
    std::uint64_t flows = 0;
    std::uint64_t contained = 0;  // in one or more
    std::uint64_t ambiguous = 0;  // of those, in more than one; in exclusive mode they are dropped
    std::uint64_t late = 0;       // started before one that was worked on already: no parents are looked for
    std::uint64_t edges_dropped = 0;  // weights for want of room
};

// What `from` may need.
struct Candidate {
    std::uint32_t from = 0, to = 0;
    double weight = 0;
};

struct Candidates {
    std::vector<std::uint64_t> flows;  // by service: to it
    std::vector<Candidate> edges;      // by (from, to)
    MinerCounters counters;
};

// One pass; memory: what is held back and what is open, and the graph. One owner.
class DependencyMiner {
public:
    // REQUIRES: `names` outlives it and knows the ids of all flows.
    DependencyMiner(const FlowNames& names, MinerOptions options) : names_(names), options_(options) {}

    // REQUIRES: flow.start <= flow.end.
    void add(const Flow& flow);
    // What all flows said. REQUIRES: called once.
    [[nodiscard]] Candidates finish();

private:
    struct Later {
        bool operator()(const Flow& a, const Flow& b) const { return a.start > b.start; }
    };
    void release(std::int64_t until);
    void work_on_group();
    void find_parents(const Flow& flow);

    const FlowNames& names_;
    MinerOptions options_;
    std::priority_queue<Flow, std::vector<Flow>, Later> held_;
    std::vector<Flow> group_;  // of one start: they may contain each other whatever their order
    OpenFlows open_;
    std::int64_t newest_ = INT64_MIN, now_ = INT64_MIN;
    std::vector<std::uint64_t> flows_;
    std::unordered_map<std::uint64_t, double> edges_;  // by from and to
    struct Parent {
        std::uint32_t service;
        std::size_t count;
    };
    std::vector<Parent> parents_;
    MinerCounters counters_;
};

}  // namespace autotune::analysis
