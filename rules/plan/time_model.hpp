// How a function's duration changes with its memory, where memory buys CPU in proportion:
// T(m) = a + w/min(m, s); s is the size that has one whole CPU. Pure.
#pragma once

#include <cstdint>

namespace autotune::rules {

// Where the platform gives one CPU (Lambda: 1769 MB); a single thread gains nothing beyond it.
inline constexpr double kWholeCpuMb = 1769;

struct TimeModel {
    double from_mb = 0;
    double cpu_share = 0;  // w/min(from, s) / T(from): the part of the time that more CPU shortens, 0..1
    double whole_cpu_mb = kWholeCpuMb;

    // T(to_mb) / T(from_mb)
    [[nodiscard]] double time_ratio(double to_mb) const;

    // The least memory with T(m)/T(from) < ratio; infinity when no size has it.
    [[nodiscard]] double memory_for(double ratio) const;
};

}  // namespace autotune::rules
