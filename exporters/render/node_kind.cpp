#include "exporters/render/node_kind.hpp"

#include "exporters/render/graph_text.hpp"

namespace autotune::render {

std::string_view to_string(NodeKind kind) {
    switch (kind) {
        case NodeKind::function: return "function";
        case NodeKind::process: return "process";
        case NodeKind::external: return "external";
    }
    return "external";
}

std::string dot_node(std::size_t number, const ServiceNode& node) {
    constexpr std::string_view kStyle[] = {"shape=box,style=\"rounded,filled\",fillcolor=\"#ffe0b2\"",
                                           "shape=box,style=filled,fillcolor=\"#e3f2fd\"", "shape=ellipse"};
    return "  n" + std::to_string(number) + " [label=" + dot_quoted(node.name) + "," +
           std::string(kStyle[static_cast<std::size_t>(node.kind)]) + "];\n";
}

std::string mermaid_node(std::size_t number, const ServiceNode& node) {
    constexpr std::string_view kOpen[] = {"([\"", "[\"", "((\""};
    constexpr std::string_view kClose[] = {"\"])", "\"]", "\"))"};
    const auto kind = static_cast<std::size_t>(node.kind);
    return "  n" + std::to_string(number) + std::string(kOpen[kind]) + mermaid_text(node.name) + std::string(kClose[kind]) + "\n";
}

}  // namespace autotune::render
