// Colours of flame graphs. What they mean is the same in the SVG and on the page.
#pragma once

#include <string>
#include <string_view>

#include "core/tables.hpp"

namespace autotune::render {

// What the colour of a box tells.
enum class FlameColour {
    package,  // names of one namespace, class or module have one hue
    runtime,  // whose code it is: kernel, native, CPython, Node, JVM
    change,   // of a comparison: red grew, blue shrank, as a share of the whole
};

// `name`: as shown. What has no name is grey; what was cut is amber in every colouring.
[[nodiscard]] std::string package_colour(std::string_view name);
// "python"; "" for what is not known.
[[nodiscard]] std::string_view runtime_name(FrameKind kind);
// `change`: of the box's share of the whole, in shares; `most`: the largest of the picture, by size.
[[nodiscard]] std::string change_colour(double change, double most);

}  // namespace autotune::render
