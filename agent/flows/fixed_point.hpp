// Decimal numbers of tables, exact.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace autotune {

// `text` times ten to the power of `digits`, what lies behind cut off: exact, where a double would not be.
// None: it is no number, or too large.
[[nodiscard]] std::optional<std::int64_t> fixed_point(std::string_view text, int digits);

}  // namespace autotune
