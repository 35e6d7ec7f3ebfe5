// How text for people may look: decided once by the command line, from the locale and the terminal.
#pragma once

#include <cstddef>
#include <cstdint>

namespace autotune::render {

enum class Marks : std::uint8_t { unicode, ascii };
enum class Colour : std::uint8_t { off, on };

struct Style {
    Marks marks = Marks::unicode;
    Colour colour = Colour::off;
    std::size_t width = 0;  // of the terminal, in characters; 0: lines are not cut
};

}  // namespace autotune::render
