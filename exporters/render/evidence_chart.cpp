#include "exporters/render/evidence_chart.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "exporters/render/svg_pieces.hpp"

namespace autotune::render {

namespace {

constexpr double kWidth = 860, kHeight = 440, kLeft = 62, kRight = 190, kTop = 46, kBottom = 48;
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

std::string axes(const Frame& frame) {
    std::string out;
    const double right = kWidth - kRight, bottom = kHeight - kBottom;
    const double up = even_step(frame.high - frame.low, 6);
    for (double at = std::ceil(frame.low / up) * up; at <= frame.high; at += up) {
        out += svg_line({kLeft, frame.y(at)}, {right, frame.y(at)}, "class=\"g\"");
        out += svg_text({kLeft - 8, frame.y(at) + 4}, "text-anchor=\"end\"",
                        shown_number(std::abs(at) < 1e-9 ? 0 : at));
    }
    const double along = even_step(frame.last, 6);
    for (double at = 0; at <= frame.last; at += along)
        out += svg_text({frame.x(at), bottom + 18}, "text-anchor=\"middle\"", shown_number(at));
    out += svg_text({(kLeft + right) / 2, kHeight - 8}, "text-anchor=\"middle\"", "pairs of calls");
    out += "<text transform=\"translate(16 " + svg_number((kTop + bottom) / 2) +
           ") rotate(-90)\" text-anchor=\"middle\">log10 of the evidence</text>\n";
    return out;
}

std::string curve_line(const Frame& frame, const EvidenceCurve& curve, std::string_view colour) {
    std::string out =
        svg_line({kLeft, frame.y(curve.needed)}, {kWidth - kRight, frame.y(curve.needed)},
                 "stroke=\"" + std::string(colour) + "\" stroke-dasharray=\"4 4\" stroke-opacity=\"0.7\"");
    out += "<polyline fill=\"none\" stroke-width=\"1.8\" stroke=\"" + std::string(colour) + "\" points=\"";
    for (const auto& [pair, log10] : curve.points)
        out += svg_number(frame.x(pair)) + "," + svg_number(frame.y(log10)) + " ";
    return out + "\"/>\n";
}

}  // namespace

std::string evidence_svg(const std::vector<EvidenceCurve>& curves, const std::string& title) {
    const Frame frame = frame_of(curves);
    std::string out = svg_head(kWidth, kHeight, title);
    out += svg_text({kLeft, 24}, "class=\"t\"", title);
    out += axes(frame);
    for (std::size_t i = 0; i < curves.size(); ++i) {
        const std::string colour(kColours[i % kColours.size()]);
        out += curve_line(frame, curves[i], colour);
        const double at = kTop + 10 + 40 * static_cast<double>(i), x = kWidth - kRight + 14;
        out += svg_line({x, at}, {x + 22, at}, "stroke=\"" + colour + "\" stroke-width=\"3\"");
        out += svg_text({x + 28, at + 4}, "", curves[i].name);
        out += svg_text({x + 28, at + 19}, "fill-opacity=\"0.7\"",
                        "needs 10^" + shown_number(std::round(curves[i].needed * 100) / 100));
    }
    return out + "</svg>\n";
}

}  // namespace autotune::render
