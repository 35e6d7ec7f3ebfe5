#include "cli/web_pages.hpp"

#include <fstream>
#include <sstream>

namespace autotune::cli {

namespace {
Result<std::string> read_report(const std::filesystem::path& folder, std::string_view name) {
    if (name.empty() || name.find('/') != std::string_view::npos || name.starts_with('.'))
        return fail(Errc::not_found, "no such report");
    std::ifstream in(folder / name, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    if (!in) return fail(Errc::not_found, "no such report: " + std::string(name));
    return text.str();
}
}  // namespace

void add_pages(exporters::WebServer& web, const exporters::PrometheusSink& metrics,
               const std::filesystem::path& state, std::atomic<bool>& graph_asked) {
    web.add_page("/metrics", exporters::PrometheusSink::kContentType,
                 [&metrics](std::string_view) -> Result<std::string> { return metrics.render(); });
    web.add_page("/flames/", "image/svg+xml", [folder = state / "flames"](std::string_view name) {
        return read_report(folder, std::string(name) + (name.ends_with(".svg") ? "" : ".svg"));
    });
    web.add_page("/folded/", "text/plain; charset=utf-8", [folder = state / "flames"](std::string_view name) {
        return read_report(folder, std::string(name) + ".folded");
    });
    web.add_page("/topology.json", "application/json",
                 [state](std::string_view) { return read_report(state, "topology.json"); });
    web.add_page("/topology/edges.json", "application/json", [state, &graph_asked](std::string_view) {
        graph_asked = true;
        return read_report(state, "topology_edges.json");
    });
    web.add_page("/topology", "text/html; charset=utf-8", [state, &graph_asked](std::string_view) {
        graph_asked = true;
        return read_report(state, "topology.html");
    });
}

}  // namespace autotune::cli
