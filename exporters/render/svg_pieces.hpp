// What charts are made of: lines, words, even steps. Pure; same data, same bytes; needs no network.
#pragma once

#include <array>
#include <string>
#include <string_view>

namespace autotune::render {

// Told apart by people who see few colours too (Okabe and Ito).
inline constexpr std::array<std::string_view, 6> kColours{"#0072b2", "#009e73", "#d55e00",
                                                          "#cc79a7", "#e69f00", "#56b4e9"};

[[nodiscard]] std::string svg_number(double v);    // two decimals, for coordinates
[[nodiscard]] std::string shown_number(double v);  // six digits, for people

// 1, 2 or 5 times a power of ten, so that about `count` of them make `range`. REQUIRES: range > 0.
[[nodiscard]] double even_step(double range, double count);

struct SvgPoint {
    double x = 0, y = 0;
};
// `style` is attributes.
[[nodiscard]] std::string svg_line(SvgPoint from, SvgPoint to, std::string_view style);
[[nodiscard]] std::string svg_text(SvgPoint at, std::string_view style, std::string_view text);

// The beginning of a picture of this size: title, colours for light and dark; classes t (title), g (grid).
// The end is "</svg>\n".
[[nodiscard]] std::string svg_head(double width, double height, std::string_view title);

}  // namespace autotune::render
