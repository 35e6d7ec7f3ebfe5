#include "exporters/render/size_chart.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

#include "exporters/render/svg_pieces.hpp"

namespace autotune::render {

namespace {

constexpr double kWidth = 860, kHeight = 640, kLeft = 76, kRight = 24, kTop = 62, kPanel = 240, kBetween = 50;

struct Panel {
    double top = 0;
    double least_mb = 1, most_mb = 2, most = 1;
    [[nodiscard]] double x(double mb) const {
        return kLeft + std::log2(mb / least_mb) / std::log2(most_mb / least_mb) * (kWidth - kLeft - kRight);
    }
    [[nodiscard]] double y(double value) const {
        return top + kPanel - std::min(value / most, 1.05) * kPanel;
    }
    [[nodiscard]] double bottom() const { return top + kPanel; }
};

// What a panel shows of a size and a time there.
using Shown = std::function<double(double mb, double ms)>;

Panel panel_of(const SizeChart& chart, double top, const Shown& shown) {
    Panel panel{.top = top};
    const auto widen = [&](double mb, bool first) {
        panel.least_mb = first ? mb : std::min(panel.least_mb, mb);
        panel.most_mb = first ? mb : std::max(panel.most_mb, mb);
    };
    bool first = true;
    double most = 0;
    for (const auto& size : chart.curve)
        widen(size.memory_mb, std::exchange(first, false)),
            most = std::max(most, shown(size.memory_mb, size.high_ms));
    for (const auto& call : chart.calls) {
        widen(call.memory_mb, std::exchange(first, false));
        if (call.ok) most = std::max(most, shown(call.memory_mb, call.ms));
    }
    if (panel.most_mb <= panel.least_mb) panel.least_mb /= 2, panel.most_mb *= 2;
    if (most > 0) panel.most = 1.05 * most;
    return panel;
}

std::string axes(const Panel& panel, std::string_view what) {
    std::string out;
    const double right = kWidth - kRight, up = even_step(panel.most, 5);
    for (double at = 0; at <= panel.most; at += up) {
        out += svg_line({kLeft, panel.y(at)}, {right, panel.y(at)}, "class=\"g\"");
        out += svg_text({kLeft - 8, panel.y(at) + 4}, "text-anchor=\"end\"", shown_number(at));
    }
    for (double mb = 1; mb <= panel.most_mb; mb *= 2)
        if (mb >= panel.least_mb)
            out += svg_text({panel.x(mb), panel.bottom() + 18}, "text-anchor=\"middle\"", shown_number(mb));
    out += svg_text({kLeft, panel.top - 10}, "", what);
    return out;
}

std::string curve_of(const SizeChart& chart, const Panel& panel, const Shown& shown) {
    std::string band, middle;
    const auto at = [&](double mb, double ms) {
        return svg_number(panel.x(mb)) + "," + svg_number(panel.y(shown(mb, ms))) + " ";
    };
    for (const auto& size : chart.curve) {
        band += at(size.memory_mb, size.high_ms);
        middle += at(size.memory_mb, size.ms);
    }
    for (auto size = chart.curve.rbegin(); size != chart.curve.rend(); ++size)
        band += at(size->memory_mb, size->low_ms);
    const std::string colour(kColours[0]);
    std::string out = "<polygon fill=\"" + colour + "\" fill-opacity=\"0.18\" points=\"" + band + "\"/>\n";
    out += "<polyline fill=\"none\" stroke-width=\"1.8\" stroke=\"" + colour + "\" points=\"" + middle +
           "\"/>\n";
    for (const auto& call : chart.calls) {
        if (!call.ok) {  // on the ground, whatever it took
            out += svg_text({panel.x(call.memory_mb), panel.bottom() - 2},
                            "text-anchor=\"middle\" style=\"fill:#d55e00\"", "×");
            continue;
        }
        out += "<circle r=\"3\" fill=\"" + std::string(kColours[4]) + "\" cx=\"" +
               svg_number(panel.x(call.memory_mb)) + "\" cy=\"" +
               svg_number(panel.y(shown(call.memory_mb, call.ms))) + "\"/>\n";
    }
    if (chart.chosen_mb > 0) {
        const double x = panel.x(chart.chosen_mb);
        out += svg_line(
            {x, panel.top}, {x, panel.bottom()},
            "stroke=\"" + std::string(kColours[1]) + "\" stroke-width=\"2\" stroke-dasharray=\"5 4\"");
        out += svg_text({x, panel.top - 2}, "text-anchor=\"middle\"", shown_number(chart.chosen_mb) + " MB");
    }
    return out;
}

}  // namespace

std::string size_svg(const SizeChart& chart) {
    const double price = chart.usd_per_gb_s > 0 ? 1e6 * chart.usd_per_gb_s : 1;
    const std::string cost_name = chart.usd || chart.usd_per_gb_s > 0 ? "USD for a million calls" : "GB-s a call";
    const Shown time = [](double, double ms) { return ms; };
    const Shown cost = [&](double mb, double ms) {
        return chart.usd ? 1e6 * chart.usd(mb, ms) : price * mb / 1024 * ms / 1000;
    };
    std::string out = svg_head(kWidth, kHeight, chart.title);
    out += svg_text({kLeft, 24}, "class=\"t\"", chart.title);
    const Panel times = panel_of(chart, kTop, time), costs = panel_of(chart, kTop + kPanel + kBetween, cost);
    out += axes(times, "ms a call") + curve_of(chart, times, time);
    out += axes(costs, cost_name) + curve_of(chart, costs, cost);
    out += svg_text({(kLeft + kWidth - kRight) / 2, kHeight - 12}, "text-anchor=\"middle\"",
                    "memory in MB; band: 90 % interval of the mean; dots: calls; ×: calls that failed");
    return out + "</svg>\n";
}

}  // namespace autotune::render
