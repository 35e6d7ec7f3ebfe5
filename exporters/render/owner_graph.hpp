// An OwnerGraph for people (text, Graphviz, Mermaid, a page) and machines (JSON). Pure; same graph, same bytes.
#pragma once

#include <string>

#include "core/critical_path.hpp"
#include "core/owner_graph.hpp"

namespace autotune::render {

[[nodiscard]] std::string owner_text(const OwnerGraph& graph);
[[nodiscard]] std::string owner_dot(const OwnerGraph& graph);
[[nodiscard]] std::string owner_mermaid(const OwnerGraph& graph);

// One line. Times of works and calls count from the graph's `from`; "parent" and "child" of a call are indexes into
// "works", "asked_by" of a work into "calls"; null where there is none. docs/topology.md tells each member.
[[nodiscard]] std::string owner_json(const OwnerGraph& graph);

// The same without works and calls: small, however much went on.
[[nodiscard]] std::string owner_edges_json(const OwnerGraph& graph);

// A page that needs no network: the graph in layers, edges with rate, p95 and errors, and a list of requests (the 100
// newest and the 100 slowest); the path of the chosen one is lit, with its times, its critical path is marked, and what
// services that are 10 % faster would save of it is told. `paths`: of the same graph.
[[nodiscard]] std::string owner_html(const OwnerGraph& graph, const RequestPaths& paths, const std::string& title);

// "12.5/s, p95 3.2 ms, 2 errors": what is written on an edge.
[[nodiscard]] std::string owner_edge_label(const OwnerGraph& graph, const OwnerEdge& edge);

}  // namespace autotune::render
