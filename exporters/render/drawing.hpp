// A graph ready to be drawn, whatever it is of: Graphviz, Mermaid, a page. Pure; same drawing, same bytes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace autotune::render {

enum class Shape : std::uint8_t { box, round, diamond, circle };
enum class Line : std::uint8_t { plain, dashed, red };

struct DrawnNode {
    std::string label;  // one line
    std::string more;   // a second, smaller one; or ""
    Shape shape = Shape::box;
    double heat = 0;          // 0 to 1: how dark
    std::uint32_t group = 0;  // 0: none; else the number of its frame in Drawing::groups, from 1
};

struct DrawnEdge {
    std::uint32_t from = 0, to = 0;
    std::string label, more;
    Line line = Line::plain;
};

struct Drawing {
    std::string title, about;  // about: a sentence
    std::vector<DrawnNode> nodes;
    std::vector<DrawnEdge> edges;
    std::vector<std::string> groups;  // their names
};

[[nodiscard]] std::string drawing_dot(const Drawing& drawing);
[[nodiscard]] std::string drawing_mermaid(const Drawing& drawing);
// One page that needs no network: layers; what leads to a node, and where it leads, is lit.
[[nodiscard]] std::string drawing_html(const Drawing& drawing);

}  // namespace autotune::render
