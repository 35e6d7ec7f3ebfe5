// ServiceGraph: who calls whom, from both ends of each connection. Passive result of the analyzer.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/time.hpp"

namespace autotune {

enum class NodeKind : std::uint8_t { function, process, external };

struct ServiceNode {
    std::string name;   // function name, process command, or "host:port" of an external peer
    NodeKind kind = NodeKind::external;
    auto operator<=>(const ServiceNode&) const = default;
};

struct ServiceEdge {
    std::size_t from = 0;  // index into nodes
    std::size_t to = 0;
    std::uint64_t calls = 0;
    std::uint64_t by_trace = 0;        // of calls: known from trace ids, no socket of theirs was matched
    std::uint64_t failures = 0;
    std::uint64_t bytes_sent = 0;      // as seen by the caller
    std::uint64_t bytes_received = 0;
    Nanos wait{0};
};

struct ServiceGraph {
    std::vector<ServiceNode> nodes;    // sorted, unique
    std::vector<ServiceEdge> edges;    // sorted by (from, to)
};

}  // namespace autotune
