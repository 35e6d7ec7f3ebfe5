// How nodes of service graphs are named and drawn, alike in every graph and language.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "core/service_graph.hpp"

namespace autotune::render {

[[nodiscard]] std::string_view to_string(NodeKind kind);

// One line of a graph, with its end: node `n<number>`, numbered because a function and a process may bear the same name.
[[nodiscard]] std::string dot_node(std::size_t number, const ServiceNode& node);
[[nodiscard]] std::string mermaid_node(std::size_t number, const ServiceNode& node);

}  // namespace autotune::render
