// Memory of a process by mapping, from /proc/PID/smaps. Pure.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "core/black_box.hpp"

namespace autotune::black_box {

// One entry a file or kind of memory, the most resident first, at most `most`: the rest is one entry, "(… others)".
// Lines that do not parse are skipped.
[[nodiscard]] std::vector<BoxMapping> memory_by_mapping(std::string_view smaps, std::size_t most = 64);

}  // namespace autotune::black_box
