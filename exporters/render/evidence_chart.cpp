#include "exporters/render/evidence_chart.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <string_view>

#include "exporters/render/text.hpp"

namespace autotune::render {

namespace {

constexpr double kWidth = 860, kHeight = 440, kLeft = 62, kRight = 190, kTop = 46, kBottom = 48;
// Told apart by people who see few colours too (Okabe and Ito), and by dashes.
constexpr std::array<std::string_view, 6> kColours{"#0072b2", "#009e73", "#d55e00", "#cc79a7", "#e69f00", "#56b4e9"};

std::string number(double v) {
    char text[32];
    std::snprintf(text, sizeof text, "%.2f", v);
    return text;
}
std::string short_number(double v) {
    char text[32];
    std::snprintf(text, sizeof text, "%.6g", v);
    return text;
}

// 1, 2 or 5 times a power of ten, so that about `count` of them make `range`.
double step_of(double range, double count) {
    const double raw = range / count, power = std::pow(10.0, std::floor(std::log10(raw)));
    for (const double times : {1.0, 2.0, 5.0})
        if (times * power >= raw) return times * power;
    return 10 * power;
}

struct Frame {
    double last = 1, low = 0, high = 0;
    [[nodiscard]] double x(double pair) const { return kLeft + pair / last * (kWidth - kLeft - kRight); }
    [[nodiscard]] double y(double log10) const {
        return kTop + (high - std::clamp(log10, low, high)) / (high - low) * (kHeight - kTop - kBottom);
    }
};

Frame frame_of(const std::vector<EvidenceCurve>& curves) {
    Frame frame;
    for (const EvidenceCurve& curve : curves) {
        frame.high = std::max(frame.high, curve.needed);
        for (const auto& [pair, log10] : curve.points) {
            frame.last = std::max(frame.last, pair);
            frame.low = std::min(frame.low, log10);
            frame.high = std::max(frame.high, log10);
        }
    }
    // Neither a hopeless nor an overwhelming curve may flatten the others.
    frame.high = std::min(frame.high, 6.0) + 0.3;
    frame.low = std::max(frame.low, -4.0) - 0.2;
    return frame;
}

std::string line(double x1, double y1, double x2, double y2, const std::string& style) {
    return "<line x1=\"" + number(x1) + "\" y1=\"" + number(y1) + "\" x2=\"" + number(x2) + "\" y2=\"" + number(y2) +
           "\" " + style + "/>\n";
}
std::string text(double x, double y, const std::string& style, std::string_view what) {
    return "<text x=\"" + number(x) + "\" y=\"" + number(y) + "\" " + style + ">" + xml_text(what) + "</text>\n";
}

std::string axes(const Frame& frame) {
    std::string out;
    const double right = kWidth - kRight, bottom = kHeight - kBottom;
    const double up = step_of(frame.high - frame.low, 6);
    for (double at = std::ceil(frame.low / up) * up; at <= frame.high; at += up) {
        out += line(kLeft, frame.y(at), right, frame.y(at), "class=\"g\"");
        out += text(kLeft - 8, frame.y(at) + 4, "text-anchor=\"end\"", short_number(std::abs(at) < 1e-9 ? 0 : at));
    }
    const double along = step_of(frame.last, 6);
    for (double at = 0; at <= frame.last; at += along)
        out += text(frame.x(at), bottom + 18, "text-anchor=\"middle\"", short_number(at));
    out += text((kLeft + right) / 2, kHeight - 8, "text-anchor=\"middle\"", "pairs of calls");
    out += "<text transform=\"translate(16 " + number((kTop + bottom) / 2) +
           ") rotate(-90)\" text-anchor=\"middle\">log10 of the evidence</text>\n";
    return out;
}

std::string curve_line(const Frame& frame, const EvidenceCurve& curve, std::string_view colour) {
    std::string out = line(kLeft, frame.y(curve.needed), kWidth - kRight, frame.y(curve.needed),
                           "stroke=\"" + std::string(colour) + "\" stroke-dasharray=\"4 4\" stroke-opacity=\"0.7\"");
    out += "<polyline fill=\"none\" stroke-width=\"1.8\" stroke=\"" + std::string(colour) + "\" points=\"";
    for (const auto& [pair, log10] : curve.points) out += number(frame.x(pair)) + "," + number(frame.y(log10)) + " ";
    return out + "\"/>\n";
}

}  // namespace

std::string evidence_svg(const std::vector<EvidenceCurve>& curves, const std::string& title) {
    const Frame frame = frame_of(curves);
    std::string out = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + number(kWidth) + " " +
                      number(kHeight) + "\" width=\"" + number(kWidth) + "\" height=\"" + number(kHeight) +
                      "\" role=\"img\">\n<title>" + xml_text(title) + "</title>\n<style>svg{background:#fff}" +
                      "text{font:12px system-ui,\"DejaVu Sans\",sans-serif;fill:#222}.t{font-size:15px;font-weight:600}" +
                      ".g{stroke:#ddd}@media (prefers-color-scheme:dark){svg{background:#16181d}text{fill:#e6e6e6}" +
                      ".g{stroke:#333}}</style>\n";
    out += text(kLeft, 24, "class=\"t\"", title);
    out += axes(frame);
    for (std::size_t i = 0; i < curves.size(); ++i) {
        const std::string colour(kColours[i % kColours.size()]);
        out += curve_line(frame, curves[i], colour);
        const double at = kTop + 10 + 40 * static_cast<double>(i), x = kWidth - kRight + 14;
        out += line(x, at, x + 22, at, "stroke=\"" + colour + "\" stroke-width=\"3\"");
        out += text(x + 28, at + 4, "", curves[i].name);
        out += text(x + 28, at + 19, "fill-opacity=\"0.7\"",
                    "needs 10^" + short_number(std::round(curves[i].needed * 100) / 100));
    }
    return out + "</svg>\n";
}

}  // namespace autotune::render
