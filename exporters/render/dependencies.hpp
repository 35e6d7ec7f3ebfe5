// Which service needs which: for people (text, Graphviz, Mermaid, a page) and machines (JSON). Pure; same
// graph, same bytes.
#pragma once

#include <string>

#include "core/dependency_graph.hpp"

namespace autotune::render {

// A line a dependency, the most believed of each service first.
[[nodiscard]] std::string dependencies_text(const DependencyGraph& graph);
[[nodiscard]] std::string dependencies_dot(const DependencyGraph& graph);
[[nodiscard]] std::string dependencies_mermaid(const DependencyGraph& graph);
// {"nodes":[{"name","flows"}],"edges":[{"from","to","weight","confidence","inferred","cluster"}],"clusters":[[names]]};
// from and to are names, a cluster its place in "clusters", or null. One line.
[[nodiscard]] std::string dependencies_json(const DependencyGraph& graph);
// One page that needs no network: layers from callers to callees; what a service needs, and who needs it, is
// lit.
[[nodiscard]] std::string dependencies_html(const DependencyGraph& graph, const std::string& title);

}  // namespace autotune::render
