// Offsets from UTC: "UTC", "+11:00", "-02:30", "02:00", and the names of the tz database
// ("Australia/Sydney"), which is read from /usr/share/zoneinfo (Debian: tzdata).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace autotune::cel {

// Seconds east of UTC at `seconds` (since 1970); nullopt: there is no such zone here. Thread-safe. A file
// is read once a process, at most kMostZones of them.
[[nodiscard]] std::optional<std::int64_t> zone_offset(const std::string& zone, std::int64_t seconds);
inline constexpr std::size_t kMostZones = 1000;

// The same from the bytes of a TZif file (RFC 8536); nullopt: not one. For tests.
[[nodiscard]] std::optional<std::int64_t> tzif_offset(std::string_view file, std::int64_t seconds);

// The same by a POSIX rule, "CST6CDT,M3.2.0,M11.1.0"; nullopt: not one that is understood.
[[nodiscard]] std::optional<std::int64_t> posix_offset(std::string_view rule, std::int64_t seconds);

}  // namespace autotune::cel
