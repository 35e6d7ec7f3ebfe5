#include "exporters/render/flame_colour.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "core/profile.hpp"

namespace autotune::render {

namespace {

std::uint32_t fnv1a(std::string_view text) {
    std::uint32_t h = 2166136261u;
    for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 16777619u;
    return h;
}

std::string hsl(unsigned hue, unsigned saturation, unsigned lightness) {
    return "hsl(" + std::to_string(hue) + "," + std::to_string(saturation) + "%," +
           std::to_string(lightness) + "%)";
}

}  // namespace

std::string package_colour(std::string_view name) {
    if (name == kTruncatedFrame) return "#e3a008";
    if (name.empty() || name.front() == '[') return "#b8bcc4";
    const std::size_t scope = name.find_last_of(".:/", name.find_first_of("(<"));
    const std::string_view family = name.substr(0, scope == std::string_view::npos ? 0 : scope);
    const unsigned hue = family.empty() ? 18 + fnv1a(name) % 30 : fnv1a(family) % 360;
    return hsl(hue, 72, 62 + fnv1a(name) % 14);
}

std::string_view runtime_name(FrameKind kind) {
    switch (kind) {
        case FrameKind::unknown: return "";
        case FrameKind::native: return "native";
        case FrameKind::kernel: return "kernel";
        case FrameKind::python: return "python";
        case FrameKind::node: return "node";
        case FrameKind::jvm: return "jvm";
    }
    return "";
}

// The root of the share of the largest: small changes are seen, and a large one still stands out.
std::string change_colour(double change, double most) {
    const double strength = most > 0 ? std::sqrt(std::min(std::fabs(change) / most, 1.0)) : 0;
    const auto percent = [](double v) { return static_cast<unsigned>(std::lround(v)); };
    return hsl(change > 0 ? 8 : 215, percent(strength * 85), percent(93 - strength * 38));
}

}  // namespace autotune::render
