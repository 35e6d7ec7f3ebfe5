// Cold starts for people and for programs. Pure.
#pragma once

#include <string>
#include <vector>

#include "core/cold_start.hpp"

namespace autotune::render {

// A tree: phases, below them modules. What took less than `min_share` of the start is told as one line a place.
[[nodiscard]] std::string cold_start_text(const ColdStart& start, double min_share = 0.01);

// {"starts":[…]}, everything; times in nanoseconds.
[[nodiscard]] std::string cold_starts_json(const std::vector<ColdStart>& starts, std::uint64_t marks_lost);

}  // namespace autotune::render
