// autotune topology --method nsdminer: which service needs which, from flows alone.
#pragma once

#include <cstdint>
#include <string>

#include "analyzer/topology/dependencies.hpp"
#include "core/dependency_graph.hpp"
#include "core/result.hpp"

namespace autotune::cli {

enum class FlowInput : std::uint8_t {
    table,    // of flows, or of calls, which are read as such
    capture,  // of packets, pcap or pcapng
    sockets   // what ss listed again and again
};

struct FlowOptions {
    FlowInput input = FlowInput::table;
    std::string path;  // - is standard input
    bool exclusive = false, one_address = false;
    double hold_back_s = 60;
    analysis::DependencyOptions dependencies;
};

struct MinedFlows {
    DependencyGraph graph;
    std::string told;  // what was found, for people
};

// Tells lines that were skipped on standard error. Errors: invalid_argument and corrupt are of the input, others of the
// machine.
[[nodiscard]] Result<MinedFlows> mine_flows(const FlowOptions& options);

}  // namespace autotune::cli
