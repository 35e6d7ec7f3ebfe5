#include "rules/maintenance.hpp"

#include <algorithm>

#include "rules/cel/instant.hpp"
#include "rules/cel/zone.hpp"

namespace autotune::rules {

namespace {

bool open(const MaintenanceWindow& window, WallTime now) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(now.time_since_epoch());
    // A zone whose file is gone since the rules were read: no window is open.
    const auto east = cel::zone_offset(window.zone, seconds.count());
    if (!east) return false;
    const cel::Civil local = cel::civil(seconds.count() + *east);
    const Nanos time = std::chrono::seconds(local.hour * 3600 + local.minute * 60 + local.second) +
                       (now.time_since_epoch() - seconds);
    const auto on = [&](int day) { return (window.days >> ((day + 7) % 7) & 1) != 0; };
    if (window.from < window.to) return on(local.day_of_week) && time >= window.from && time < window.to;
    return (on(local.day_of_week) && time >= window.from) || (on(local.day_of_week - 1) && time < window.to);
}

}  // namespace

bool in_maintenance(std::span<const MaintenanceWindow> windows, WallTime now) {
    return windows.empty() || std::any_of(windows.begin(), windows.end(),
                                          [&](const MaintenanceWindow& w) { return open(w, now); });
}

}  // namespace autotune::rules
