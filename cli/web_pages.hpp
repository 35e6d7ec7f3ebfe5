// The agent's pages: metrics, flame graphs, the call graph.
#pragma once

#include <filesystem>

#include "exporters/prometheus_sink.hpp"
#include "exporters/web_server.hpp"

namespace autotune::cli {

// REQUIRES: `metrics` outlives the server. `state`: where Reports writes.
void add_pages(exporters::WebServer& web, const exporters::PrometheusSink& metrics,
               const std::filesystem::path& state);

}  // namespace autotune::cli
