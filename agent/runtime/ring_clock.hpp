// RingClock: the ticks of a ring's writer as CLOCK_MONOTONIC nanoseconds.
//
// Writer and reader are on one machine and read the same counter: the rate comes from the pair of readings in
// the ring's header and one of now, so it gets better with every poll; times are counted back from now.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/time.hpp"
#include "runtimes/ring.h"

namespace autotune::runtime {

struct ClockPair {  // one instant on both clocks
    std::uint64_t ticks = 0;
    std::int64_t ns = 0;
};

// Of the clock that the writer uses; nothing of the machine is trusted to have it: ticks = ns then.
[[nodiscard]] ClockPair read_clocks(std::uint32_t ring_clock);

class RingClock {
public:
    // Until `now` is later than the header's pair, a tick is a nanosecond.
    RingClock(const at_ring_header& header, const ClockPair& now);
    void update(const ClockPair& now);

    [[nodiscard]] Timestamp at(std::uint64_t ticks) const {
        return from_ns(now_.ns + ns(static_cast<std::int64_t>(ticks - now_.ticks)));
    }
    [[nodiscard]] std::int64_t ns(std::int64_t ticks) const {
        // Some years each way: a liar's ticks must not overflow.
        return static_cast<std::int64_t>(std::clamp(static_cast<double>(ticks) * ns_per_tick_, -1e17, 1e17));
    }
    // 1/1024 ticks, as the header has biases.
    [[nodiscard]] double bias_ns(std::uint64_t fine_ticks) const {
        return static_cast<double>(fine_ticks) / 1024 * ns_per_tick_;
    }
    [[nodiscard]] Timestamp now() const { return from_ns(now_.ns); }

private:
    ClockPair began_;
    ClockPair now_;
    double ns_per_tick_ = 1;
};

}  // namespace autotune::runtime
