// A flame graph as one self-contained SVG: search, zoom, invert, icicle, colours by package, runtime or
// change, and tooltips, by a small script inside; no network, light and dark. Where scripts do not run it is
// the same picture, not moving. Widths in proportion to weight; of a comparison, to what is, not what was.
#pragma once

#include <cstddef>
#include <string>

#include "core/profile.hpp"
#include "exporters/render/flame_colour.hpp"

namespace autotune::render {

struct FlameSvgOptions {
    unsigned width_px = 1200;
    double min_frame_px = 0.3;        // narrower frames are left out, and the picture says how many
    std::size_t max_frames = 20'000;  // the widest are drawn
    std::size_t max_depth = 256;      // deeper ones are left out
    FlameColour colour = FlameColour::package;  // at first; of a comparison always FlameColour::change
    bool icicle = false;                        // root at the top, at first
    std::string subtitle;             // shown below the title; "" = none
};

// Pure. Any bytes may be in the names: invalid UTF-8 becomes U+FFFD, control characters too.
[[nodiscard]] std::string flame_svg(const Profile& profile, const FlameSvgOptions& options = {});

}  // namespace autotune::render
