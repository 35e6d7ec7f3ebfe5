// The agent's pages: metrics, flame graphs, the call graph.
#pragma once

#include <atomic>
#include <filesystem>

#include "exporters/prometheus_sink.hpp"
#include "exporters/web_server.hpp"

namespace autotune::cli {

// REQUIRES: `metrics` and `graph_asked` outlive the server. `state`: where Reports writes; `graph_asked` becomes true when
// somebody looks at the graph's page: the next one that is written is for them.
void add_pages(exporters::WebServer& web, const exporters::PrometheusSink& metrics,
               const std::filesystem::path& state, std::atomic<bool>& graph_asked);

}  // namespace autotune::cli
