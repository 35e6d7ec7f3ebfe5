// Service graphs for people (Graphviz, Mermaid) and machines (JSON). Pure; same graph, same bytes.
#pragma once

#include <string>

#include "core/service_graph.hpp"

namespace autotune::render {

[[nodiscard]] std::string graph_dot(const ServiceGraph& graph);
[[nodiscard]] std::string graph_mermaid(const ServiceGraph& graph);

// {"nodes":[{"name","kind"}],"edges":[{"from","to","calls","by_trace","failures","bytes_sent",
// "bytes_received","wait_s"}]}; from and to are names. One line.
[[nodiscard]] std::string graph_json(const ServiceGraph& graph);

}  // namespace autotune::render
