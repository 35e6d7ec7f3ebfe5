#include "agent/runtime/ring_clock.hpp"

#include <limits>

#include "runtimes/ring_system.h"

namespace autotune::runtime {

ClockPair read_clocks(std::uint32_t ring_clock) {
    if (ring_clock == AT_RING_MONOTONIC) {
        const std::uint64_t now = at_monotonic_ns();
        return {now, static_cast<std::int64_t>(now)};
    }
    // The narrowest of a few: between two readings of the counter we may be preempted.
    ClockPair best;
    std::uint64_t narrowest = std::numeric_limits<std::uint64_t>::max();
    for (int i = 0; i < 4; ++i) {
        const std::uint64_t before = at_counter();
        const std::uint64_t ns = at_monotonic_ns();
        const std::uint64_t after = at_counter();
        if (after - before >= narrowest) continue;
        narrowest = after - before;
        best = {before + (after - before) / 2, static_cast<std::int64_t>(ns)};
    }
    return best;
}

RingClock::RingClock(const at_ring_header& header, const ClockPair& now)
    : began_{header.began_ticks, static_cast<std::int64_t>(header.began_ns & ~(1ull << 63))} {
    update(now);
}

void RingClock::update(const ClockPair& now) {
    now_ = now;
    if (now.ns <= began_.ns || now.ticks <= began_.ticks) return;
    const double rate =
        static_cast<double>(now.ns - began_.ns) / static_cast<double>(now.ticks - began_.ticks);
    // Counters run at 1 MHz to some GHz. A liar's own times are wrong then, and stay finite.
    ns_per_tick_ = std::clamp(rate, 0.05, 1000.0);
}

}  // namespace autotune::runtime
