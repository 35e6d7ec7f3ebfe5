#include "core/time.hpp"

#include <cstdio>
#include <ctime>

namespace autotune {

namespace {
std::int64_t read_clock(clockid_t id) {
    timespec ts{};
    clock_gettime(id, &ts);
    return ts.tv_sec * 1'000'000'000LL + ts.tv_nsec;
}
}  // namespace

std::string to_rfc3339(WallTime t) {
    const auto ms = std::chrono::floor<std::chrono::milliseconds>(t).time_since_epoch().count();
    const std::time_t seconds = ms >= 0 ? ms / 1000 : (ms - 999) / 1000;
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    char text[96];
    std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", parts.tm_year + 1900,
                  parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                  static_cast<int>(ms - seconds * 1000));
    return text;
}

Timestamp SystemClock::now() const { return from_ns(read_clock(CLOCK_MONOTONIC)); }
WallTime SystemClock::wall() const { return WallTime(Nanos(read_clock(CLOCK_REALTIME))); }

WallTime wall_at(const Clock& clock, Timestamp t) { return clock.wall() + (t - clock.now()); }

}  // namespace autotune
