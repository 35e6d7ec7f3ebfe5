#include "exporters/render/svg_pieces.hpp"

#include <cmath>
#include <cstdio>

#include "exporters/render/text.hpp"

namespace autotune::render {

namespace {

std::string printed(const char* format, double v) {
    char text[48];
    std::snprintf(text, sizeof text, format, v);
    return text;
}

}  // namespace

std::string svg_number(double v) { return printed("%.2f", v); }

std::string shown_number(double v) { return printed("%.6g", v); }

double even_step(double range, double count) {
    const double raw = range / count, power = std::pow(10.0, std::floor(std::log10(raw)));
    for (const double times : {1.0, 2.0, 5.0})
        if (times * power >= raw) return times * power;
    return 10 * power;
}

std::string svg_line(SvgPoint from, SvgPoint to, std::string_view style) {
    return "<line x1=\"" + svg_number(from.x) + "\" y1=\"" + svg_number(from.y) + "\" x2=\"" +
           svg_number(to.x) + "\" y2=\"" + svg_number(to.y) + "\" " + std::string(style) + "/>\n";
}

std::string svg_text(SvgPoint at, std::string_view style, std::string_view text) {
    return "<text x=\"" + svg_number(at.x) + "\" y=\"" + svg_number(at.y) + "\" " + std::string(style) + ">" +
           xml_text(text) + "</text>\n";
}

std::string svg_head(double width, double height, std::string_view title) {
    return "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + svg_number(width) + " " +
           svg_number(height) + "\" width=\"" + svg_number(width) + "\" height=\"" + svg_number(height) +
           "\" role=\"img\">\n<title>" + xml_text(title) +
           "</title>\n<style>svg{background:#fff}text{font:12px system-ui,\"DejaVu "
           "Sans\",sans-serif;fill:#222}"
           ".t{font-size:15px;font-weight:600}.g{stroke:#ddd}@media "
           "(prefers-color-scheme:dark){svg{background:#16181d}"
           "text{fill:#e6e6e6}.g{stroke:#333}}</style>\n";
}

}  // namespace autotune::render
