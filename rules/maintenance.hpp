// When functions may be changed: times of the week in a time zone.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "core/time.hpp"

namespace autotune::rules {

struct MaintenanceWindow {
    std::uint8_t days = 0x7F;           // bit 0 is Sunday: the days on which it begins
    Nanos from{0};                      // since midnight, below 24h
    Nanos to = std::chrono::hours(24);  // above 0; not above `from`: it ends on the next day
    std::string zone = "UTC";           // as rules/cel/zone.hpp takes it
};

// In one of them; true when there is none.
[[nodiscard]] bool in_maintenance(std::span<const MaintenanceWindow> windows, WallTime now);

}  // namespace autotune::rules
