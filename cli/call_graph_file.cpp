#include "cli/call_graph_file.hpp"

#include <utility>

#include "exporters/render/call_graph.hpp"

namespace autotune::cli {

std::optional<CallGraphFormat> call_graph_format(std::string_view name) {
    constexpr std::pair<std::string_view, CallGraphFormat> kEndings[] = {{".dot", CallGraphFormat::dot},
                                                                         {".mmd", CallGraphFormat::mermaid},
                                                                         {".graph.html", CallGraphFormat::html},
                                                                         {".graph.json", CallGraphFormat::json}};
    for (const auto& [ending, format] : kEndings)
        if (name.ends_with(ending)) return format;
    return std::nullopt;
}

std::string rendered(const CallGraph& graph, CallGraphFormat format) {
    switch (format) {
        case CallGraphFormat::dot: return render::drawing_dot(render::call_graph_drawing(graph));
        case CallGraphFormat::mermaid: return render::drawing_mermaid(render::call_graph_drawing(graph));
        case CallGraphFormat::html: return render::drawing_html(render::call_graph_drawing(graph));
        case CallGraphFormat::json: return render::call_graph_json(graph) + "\n";
    }
    return {};
}

}  // namespace autotune::cli
