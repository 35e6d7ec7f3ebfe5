// One tree of a Trace as lines of text.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>

#include "exporters/render/trace_report.hpp"

namespace autotune::render {

// Prints the siblings from node `first` on and what is beneath them, in the order in which they began. Of
// many siblings those that took longest are shown and the others are one line. What takes less than a thousandth
// of the busiest thread's time, and did not fail, is left out of all but small trees, and counted. A single thread
// is not shown as such.
void trace_tree(std::ostream& out, const TraceReport& report, std::uint32_t first, const Style& style);

// `text` cut to the terminal's width, with an ellipsis.
[[nodiscard]] std::string fitted(std::string text, const Style& style);

enum class Ink : std::uint8_t { strong, dim, good, bad };
[[nodiscard]] std::string inked(const std::string& text, Ink ink, const Style& style);

}  // namespace autotune::render
