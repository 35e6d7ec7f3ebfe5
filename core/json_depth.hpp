// How deep JSON text goes, known before it is parsed: what copies, compares or writes a parsed value recurses, so that text of
// strangers can end a process by its stack.
#pragma once

#include <cstddef>
#include <string_view>

namespace autotune {

// Far more than any that is exchanged with platforms.
inline constexpr std::size_t kMostJsonLevels = 64;

// Whether objects and lists are within each other more than `levels` times. One pass; of text that is no JSON it says something.
[[nodiscard]] bool nests_deeper_than(std::string_view json, std::size_t levels = kMostJsonLevels);

}  // namespace autotune
