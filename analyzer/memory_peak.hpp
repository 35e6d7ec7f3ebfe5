// Peak memory of one invocation, from the memory cgroup's watermark at its start and its end.
#pragma once

#include <cstdint>

#include "core/event.hpp"

namespace autotune::analysis {

struct MemoryPeak {
    std::uint64_t bytes = 0;  // 0: not known
    bool is_bound = false;    // not more than `bytes`; the watermark may be older than the invocation
};

// Exact when the watermark was reset at the start (it then equals the usage within 1 MiB or 2 %, what a
// few pages touched between the reset and the reading make), or when it grew since; else a bound.
[[nodiscard]] MemoryPeak memory_peak(const CgroupUsage& start, const CgroupUsage& end);

}  // namespace autotune::analysis
