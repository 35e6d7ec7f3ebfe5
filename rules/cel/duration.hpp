// Durations as CEL and Go write them: "15m", "1h30m", "-1.5s", "250ms", "0".
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/time.hpp"

namespace autotune::cel {

// A sum of numbers with units h, m, s, ms, us, µs, ns; sign in front; "0" alone needs no unit.
// nullopt when it does not parse or leaves the range of 64-bit nanoseconds (about 292 years).
[[nodiscard]] std::optional<Nanos> parse_duration(std::string_view text);

// In seconds, exact: "90s", "0.25s", "-1.000000001s".
[[nodiscard]] std::string format_duration(Nanos duration);

}  // namespace autotune::cel
