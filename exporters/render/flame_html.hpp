// A flame graph as one self-contained page, drawn on a canvas: zoom, search, icicles, callers, colours by
// package, runtime or change, a table of functions. No network. For profiles that are too large for an SVG.
#pragma once

#include <cstddef>
#include <string>

#include "core/profile.hpp"
#include "exporters/render/flame_colour.hpp"

namespace autotune::render {

struct FlameHtmlOptions {
    std::size_t max_nodes = 100'000;  // the heaviest are in the page; it says how many are not
    FlameColour colour = FlameColour::package;  // at first; of a comparison always FlameColour::change
    bool icicle = false;                        // root at the top, at first
    std::string subtitle;
};

// Pure. Any bytes may be in the names.
[[nodiscard]] std::string flame_html(const Profile& profile, const FlameHtmlOptions& options = {});

}  // namespace autotune::render
