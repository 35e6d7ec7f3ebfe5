// Points in time as CEL has them: from the year 1 to the year 9999, in nanoseconds, in RFC 3339.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/time.hpp"

namespace autotune::cel {

struct Instant {
    std::int64_t seconds = 0;  // since 1970-01-01T00:00:00Z, without leap seconds
    std::int32_t nanos = 0;    // 0 … 999,999,999, also before 1970
    auto operator<=>(const Instant&) const = default;
};

inline constexpr std::int64_t kFirstSecond = -62135596800;  // 0001-01-01T00:00:00Z
inline constexpr std::int64_t kLastSecond = 253402300799;   // 9999-12-31T23:59:59Z
[[nodiscard]] constexpr bool in_range(Instant i) {
    return i.seconds >= kFirstSecond && i.seconds <= kLastSecond && i.nanos >= 0 && i.nanos < 1'000'000'000;
}

// nullopt: not RFC 3339, or outside the range. Digits beyond nanoseconds are refused.
[[nodiscard]] std::optional<Instant> parse_instant(std::string_view text);
// In UTC: "2009-02-13T23:31:30.5Z", with as many digits of the second as are needed.
[[nodiscard]] std::string format_instant(Instant instant);

// nullopt: outside the range.
[[nodiscard]] std::optional<Instant> plus(Instant instant, Nanos duration);
[[nodiscard]] std::optional<Nanos> between(Instant from, Instant to);  // nullopt: more than 292 years

// The Gregorian calendar.
struct Civil {
    std::int64_t year = 1970;
    int month = 1, day = 1;  // from 1
    int hour = 0, minute = 0, second = 0;
    int day_of_week = 4;  // from Sunday, 0
    int day_of_year = 0;  // from 0
};
[[nodiscard]] Civil civil(std::int64_t seconds);
[[nodiscard]] std::int64_t days_from_civil(std::int64_t year, int month, int day);  // since 1970-01-01

}  // namespace autotune::cel
