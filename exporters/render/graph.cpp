#include "exporters/render/graph.hpp"

#include <nlohmann/json.hpp>
#include <string_view>

#include "exporters/render/graph_text.hpp"
#include "exporters/render/node_kind.hpp"
#include "exporters/render/text.hpp"

namespace autotune::render {

namespace {

using Json = nlohmann::ordered_json;

bool is_by_trace(const ServiceEdge& edge) { return edge.by_trace > 0 && edge.by_trace == edge.calls; }

std::string edge_text(const ServiceEdge& edge) {
    std::string text = std::to_string(edge.calls) + (edge.calls == 1 ? " call" : " calls");
    if (edge.by_trace > 0) text += is_by_trace(edge) ? " (by trace)" : ", partly by trace";
    if (edge.failures > 0) text += ", " + std::to_string(edge.failures) + " failed";
    if (edge.wait.count() > 0 && edge.calls > 0)
        text += ", " + human_duration(to_seconds(edge.wait) / static_cast<double>(edge.calls)) + " each";
    return text;
}

}  // namespace

std::string graph_dot(const ServiceGraph& graph) {
    std::string out = "digraph services {\n  rankdir=LR;\n  node [fontname=\"sans-serif\"];\n";
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) out += dot_node(i, graph.nodes[i]);
    for (const ServiceEdge& edge : graph.edges)
        out += "  n" + std::to_string(edge.from) + " -> n" + std::to_string(edge.to) +
               " [label=" + dot_quoted(edge_text(edge)) + (edge.failures > 0 ? ",color=red" : "") +
               (is_by_trace(edge) ? ",style=dashed" : "") + "];\n";
    return out + "}\n";
}

std::string graph_mermaid(const ServiceGraph& graph) {
    std::string out = "flowchart LR\n";
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) out += mermaid_node(i, graph.nodes[i]);
    for (const ServiceEdge& edge : graph.edges) {
        out += "  n" + std::to_string(edge.from) + (is_by_trace(edge) ? " -.->|\"" : " -->|\"") +
               mermaid_text(edge_text(edge)) + "\"| n" + std::to_string(edge.to) + "\n";
    }
    return out;
}

std::string graph_json(const ServiceGraph& graph) {
    Json nodes = Json::array(), edges = Json::array();
    for (const ServiceNode& node : graph.nodes)
        nodes.push_back({{"name", node.name}, {"kind", to_string(node.kind)}});
    for (const ServiceEdge& edge : graph.edges)
        edges.push_back({{"from", graph.nodes[edge.from].name},
                         {"to", graph.nodes[edge.to].name},
                         {"calls", edge.calls},
                         {"by_trace", edge.by_trace},
                         {"failures", edge.failures},
                         {"bytes_sent", edge.bytes_sent},
                         {"bytes_received", edge.bytes_received},
                         {"wait_s", to_seconds(edge.wait)}});
    return Json{{"nodes", nodes}, {"edges", edges}}.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace autotune::render
