// Two clocks, two types, so that they cannot be mixed.
//
// Timestamp: CLOCK_MONOTONIC nanoseconds; all events and arithmetic. WallTime: UTC; what people
// and other machines see, and what survives a reboot in the knowledge store.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace autotune {

using Nanos = std::chrono::nanoseconds;

struct MonotonicTime {
    using duration = Nanos;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<MonotonicTime, duration>;
    static constexpr bool is_steady = true;
};
using Timestamp = MonotonicTime::time_point;
using WallTime = std::chrono::sys_time<Nanos>;

[[nodiscard]] constexpr Timestamp from_ns(std::int64_t ns) { return Timestamp(Nanos(ns)); }
[[nodiscard]] constexpr std::int64_t to_ns(Timestamp t) { return t.time_since_epoch().count(); }
[[nodiscard]] constexpr double to_ms(Nanos d) { return static_cast<double>(d.count()) / 1e6; }
[[nodiscard]] constexpr double to_seconds(Nanos d) { return static_cast<double>(d.count()) / 1e9; }

// "2026-11-21T02:15:27.123Z"
[[nodiscard]] std::string to_rfc3339(WallTime t);

// Where now comes from. A seam: tests give their own, code below cli/ takes a Clock& or a time.
// Thread-safe.
class Clock {
public:
    virtual ~Clock() = default;
    [[nodiscard]] virtual Timestamp now() const = 0;
    [[nodiscard]] virtual WallTime wall() const = 0;
};

// The kernel's clocks.
class SystemClock final : public Clock {
public:
    [[nodiscard]] Timestamp now() const override;
    [[nodiscard]] WallTime wall() const override;
};

// Wall time of a monotonic instant near `clock`'s now.
[[nodiscard]] WallTime wall_at(const Clock& clock, Timestamp t);

}  // namespace autotune
