// What autotune topology was asked for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/topology_flows.hpp"
#include "cli/topology_owner.hpp"
#include "core/result.hpp"

namespace autotune::cli {

enum class TopologyFormat : std::uint8_t { text, json, jsonl, dot, mermaid, html };

struct TopologyArguments {
    std::string flows, pcap, sockets, calls, workflow, state, method, format, out;
    std::vector<std::string> given;
    bool json = false, no_patterns = false, critical_path = false;
    std::size_t window = 50'000;
    FlowOptions flow;  // but for what is read
    OwnerRequest owner;
    double seconds = 0;
};

// As read_arguments: the exit status if the command is over. That options go together is not looked at.
[[nodiscard]] std::optional<int> read_topology_arguments(TopologyArguments& arguments, int argc, char** argv);

// What is asked for, else what the name of the file says, else text. Errors: invalid_argument for a name that says nothing.
[[nodiscard]] Result<TopologyFormat> format_of(const TopologyArguments& arguments);

}  // namespace autotune::cli
