#include "exporters/render/dependencies.hpp"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <vector>

#include "exporters/render/graph_page.hpp"
#include "exporters/render/graph_text.hpp"
#include "exporters/render/text.hpp"

namespace autotune::render {

namespace {

using Json = nlohmann::ordered_json;

std::string decimal(double value) {
    char text[40];
    std::snprintf(text, sizeof text, "%.1f", value);
    return text;
}

std::string edge_text(const Dependency& d) {
    return decimal(d.confidence) + (d.inferred ? " (inferred)" : ", " + decimal(d.weight) + " flows");
}

}  // namespace

std::string dependencies_text(const DependencyGraph& graph) {
    std::vector<Dependency> edges = graph.edges;
    std::stable_sort(edges.begin(), edges.end(), [](const Dependency& a, const Dependency& b) {
        return a.from != b.from ? a.from < b.from : a.confidence > b.confidence;
    });
    std::string out;
    for (const Dependency& d : edges) {
        out += clean_text(graph.nodes[d.from].name) + " → " + clean_text(graph.nodes[d.to].name) + "  " +
               edge_text(d);
        if (d.cluster > 0) out += ", cluster " + std::to_string(d.cluster);
        out += "\n";
    }
    return out.empty() ? "no dependencies\n" : out;
}

std::string dependencies_dot(const DependencyGraph& graph) {
    std::string out = "digraph dependencies {\n  rankdir=LR;\n  node [fontname=\"sans-serif\",shape=box];\n";
    for (std::size_t i = 0; i < graph.nodes.size(); ++i)
        out += "  n" + std::to_string(i) + " [label=" + dot_quoted(graph.nodes[i].name) + "];\n";
    for (std::size_t i = 0; i < graph.clusters.size(); ++i) {
        out += "  subgraph cluster_" + std::to_string(i + 1) + " {";
        for (const std::uint32_t node : graph.clusters[i]) out += " n" + std::to_string(node) + ";";
        out += " }\n";
    }
    for (const Dependency& d : graph.edges)
        out += "  n" + std::to_string(d.from) + " -> n" + std::to_string(d.to) +
               " [label=" + dot_quoted(edge_text(d)) + (d.inferred ? ",style=dashed" : "") + "];\n";
    return out + "}\n";
}

std::string dependencies_mermaid(const DependencyGraph& graph) {
    std::string out = "flowchart LR\n";
    for (std::size_t i = 0; i < graph.nodes.size(); ++i)
        out += "  n" + std::to_string(i) + "[\"" + mermaid_text(graph.nodes[i].name) + "\"]\n";
    for (const Dependency& d : graph.edges)
        out += "  n" + std::to_string(d.from) + (d.inferred ? " -.->|\"" : " -->|\"") +
               mermaid_text(edge_text(d)) + "\"| n" + std::to_string(d.to) + "\n";
    return out;
}

std::string dependencies_json(const DependencyGraph& graph) {
    Json nodes = Json::array(), edges = Json::array(), clusters = Json::array();
    for (const DependencyNode& node : graph.nodes)
        nodes.push_back({{"name", node.name}, {"flows", node.flows}});
    for (const Dependency& d : graph.edges)
        edges.push_back({{"from", graph.nodes[d.from].name},
                         {"to", graph.nodes[d.to].name},
                         {"weight", d.weight},
                         {"confidence", d.confidence},
                         {"inferred", d.inferred},
                         {"cluster", d.cluster > 0 ? Json(d.cluster - 1) : Json()}});
    for (const auto& members : graph.clusters) {
        Json names = Json::array();
        for (const std::uint32_t node : members) names.push_back(graph.nodes[node].name);
        clusters.push_back(names);
    }
    return Json{{"nodes", nodes}, {"edges", edges}, {"clusters", clusters}}.dump(
        -1, ' ', false, Json::error_handler_t::replace);
}

std::string dependencies_html(const DependencyGraph& graph, const std::string& title) {
    return graph_page({.title = title,
                       .about = std::to_string(graph.nodes.size()) + " services, " + std::to_string(graph.edges.size()) +
                                " dependencies; numbers are confidence, broken lines are inferred",
                       .data = dependencies_json(graph)});
}

}  // namespace autotune::render
