#include "exporters/render/drawing.hpp"

#include <array>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string_view>

#include "exporters/render/graph_page.hpp"
#include "exporters/render/graph_text.hpp"
#include "exporters/render/text.hpp"

namespace autotune::render {

namespace {

using Json = nlohmann::ordered_json;

// White to orange.
std::string colour(double heat) {
    char text[8];
    const auto fade = [&](int to) { return static_cast<int>(std::lround(255 + (to - 255) * heat)); };
    std::snprintf(text, sizeof text, "#%02x%02x%02x", fade(255), fade(167), fade(38));
    return text;
}

std::string two_lines(const std::string& label, const std::string& more, std::string_view between) {
    return more.empty() ? label : label + std::string(between) + more;
}

template <class Inside>
void by_group(const Drawing& drawing, const Inside& inside) {
    for (std::uint32_t group = 0; group <= drawing.groups.size(); ++group)
        for (std::size_t i = 0; i < drawing.nodes.size(); ++i)
            if (drawing.nodes[i].group == group) inside(group, i);
}

}  // namespace

std::string drawing_dot(const Drawing& drawing) {
    constexpr std::array<std::string_view, 4> kShapes{"box", "box,style=\"rounded,filled\"", "diamond",
                                                      "circle"};
    constexpr std::array<std::string_view, 3> kLines{"", ",style=dashed", ",color=red"};
    // A line break within a label is \n, which quoting would keep off: it is put between two quoted ones.
    const auto quoted = [](const std::string& label, const std::string& more) {
        std::string out = dot_quoted(label);
        if (more.empty()) return out;
        out.pop_back();
        return out + "\\n" + dot_quoted(more).substr(1);
    };
    std::string out = "digraph drawing {\n  rankdir=LR;\n  node [fontname=\"sans-serif\",style=filled];\n";
    std::uint32_t open = 0;
    by_group(drawing, [&](std::uint32_t group, std::size_t i) {
        if (group != open) {
            if (open != 0) out += "  }\n";
            out += "  subgraph cluster_" + std::to_string(group) +
                   " {\n    label=" + dot_quoted(drawing.groups[group - 1]) + ";\n";
            open = group;
        }
        const DrawnNode& node = drawing.nodes[i];
        out += std::string(group == 0 ? "  n" : "    n") + std::to_string(i) +
               " [label=" + quoted(node.label, node.more) +
               ",shape=" + std::string(kShapes[static_cast<std::size_t>(node.shape)]) + ",fillcolor=\"" +
               colour(node.heat) + "\"];\n";
    });
    if (open != 0) out += "  }\n";
    for (const DrawnEdge& edge : drawing.edges)
        out += "  n" + std::to_string(edge.from) + " -> n" + std::to_string(edge.to) +
               " [label=" + quoted(edge.label, edge.more) +
               std::string(kLines[static_cast<std::size_t>(edge.line)]) + "];\n";
    return out + "}\n";
}

std::string drawing_mermaid(const Drawing& drawing) {
    constexpr std::array<std::string_view, 4> kOpen{"[\"", "([\"", "{\"", "((\""};
    constexpr std::array<std::string_view, 4> kClose{"\"]", "\"])", "\"}", "\"))"};
    std::string out = "flowchart LR\n";
    std::uint32_t open = 0;
    by_group(drawing, [&](std::uint32_t group, std::size_t i) {
        if (group != open) {
            if (open != 0) out += "  end\n";
            out += "  subgraph g" + std::to_string(group) + "[\"" + mermaid_text(drawing.groups[group - 1]) +
                   "\"]\n";
            open = group;
        }
        const DrawnNode& node = drawing.nodes[i];
        const auto shape = static_cast<std::size_t>(node.shape);
        out += std::string(group == 0 ? "  n" : "    n") + std::to_string(i) + std::string(kOpen[shape]) +
               two_lines(mermaid_text(node.label), mermaid_text(node.more), "<br>") +
               std::string(kClose[shape]) + "\n";
    });
    if (open != 0) out += "  end\n";
    for (const DrawnEdge& edge : drawing.edges) {
        const std::string label = two_lines(mermaid_text(edge.label), mermaid_text(edge.more), "<br>");
        out += "  n" + std::to_string(edge.from) + (edge.line == Line::plain ? " -->" : " -.->") +
               (label.empty() ? "" : "|\"" + label + "\"|") + " n" + std::to_string(edge.to) + "\n";
    }
    return out;
}

std::string drawing_html(const Drawing& drawing) {
    Json nodes = Json::array(), edges = Json::array();
    for (std::size_t i = 0; i < drawing.nodes.size(); ++i) {
        const DrawnNode& node = drawing.nodes[i];
        nodes.push_back({{"name", "n" + std::to_string(i)},
                         {"label", clean_text(node.label)},
                         {"hint", two_lines(clean_text(node.label), clean_text(node.more), "\n")},
                         {"heat", node.heat}});
    }
    for (const DrawnEdge& edge : drawing.edges)
        edges.push_back({{"from", "n" + std::to_string(edge.from)},
                         {"to", "n" + std::to_string(edge.to)},
                         {"label", clean_text(edge.label)},
                         {"hint", two_lines(clean_text(edge.label), clean_text(edge.more), "\n")},
                         {"inferred", edge.line != Line::plain}});
    return graph_page({.title = drawing.title,
                       .about = drawing.about,
                       .data = Json{{"nodes", nodes}, {"edges", edges}}.dump(-1, ' ', false, Json::error_handler_t::replace)});
}

}  // namespace autotune::render
