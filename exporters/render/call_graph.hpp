// A call graph for people (Graphviz, Mermaid, a page) and machines (JSON). Pure; same graph, same bytes.
#pragma once

#include <cstddef>
#include <string>

#include "core/call_graph.hpp"
#include "exporters/render/drawing.hpp"

namespace autotune::render {

struct CallGraphLimits {
    double least_share = 0.005;   // functions and edges with less of the total are not drawn …
    std::size_t functions = 120;  // … nor more than so many, which is said
};

// The heaviest functions: how dark is self time's share; cycles are framed, calls within them dashed.
[[nodiscard]] Drawing call_graph_drawing(const CallGraph& graph, const CallGraphLimits& limits = {});

// All of it: {"title","measure","unit","exact","total","truncated","functions":[{"name","module","runtime","self","total",
// "calls","cycle","calls_itself"}],"edges":[{"from","to","weight","calls"}]}; from and to are places in "functions";
// unknown calls and no cycle are null. One line.
[[nodiscard]] std::string call_graph_json(const CallGraph& graph);

}  // namespace autotune::render
