#include "analyzer/memory_peak.hpp"

#include <algorithm>

namespace autotune::analysis {

MemoryPeak memory_peak(const CgroupUsage& start, const CgroupUsage& end) {
    if (end.memory_peak == 0) return {std::max(start.memory_peak, end.memory_now), true};
    if (start.memory_peak == 0) return {end.memory_peak, true};
    const std::uint64_t tolerance = std::max<std::uint64_t>(1 << 20, start.memory_now / 50);
    const bool reset_at_start = start.memory_now != 0 && start.memory_peak <= start.memory_now + tolerance;
    // Lower than at the start: somebody reset it in between, so it belongs to this invocation.
    const bool moved = end.memory_peak != start.memory_peak;
    return {end.memory_peak, !reset_at_start && !moved};
}

}  // namespace autotune::analysis
