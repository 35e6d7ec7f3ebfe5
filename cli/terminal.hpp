// What the terminal and the locale allow.
#pragma once

#include "exporters/render/style.hpp"

namespace autotune::cli {

// As setlocale(3) chooses: UTF-8 signs where the locale's encoding is UTF-8.
[[nodiscard]] render::Marks marks_of_locale();
// On for a standard output that is a terminal, unless NO_COLOR or TERM=dumb asks for none.
[[nodiscard]] render::Colour colour_of_terminal();
// Both, and the width of standard output where it is a terminal.
[[nodiscard]] render::Style style_of_terminal();

}  // namespace autotune::cli
