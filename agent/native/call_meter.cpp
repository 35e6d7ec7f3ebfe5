#include "agent/native/call_meter.hpp"

namespace autotune::native {

std::optional<at_call_sums> CallMeter::fresh(const at_call_key& key, const at_call_sums& now) {
    at_call_sums& seen = seen_[order(key)];
    if (now.calls <= seen.calls) return std::nullopt;
    // Read while the thread writes: a sum may lag behind its count, and is told the next time.
    const at_call_sums added{.calls = now.calls - seen.calls,
                             .total_ns = now.total_ns - seen.total_ns,
                             .self_ns = now.self_ns - seen.self_ns,
                             .cgroup = now.cgroup};
    seen = now;
    return added;
}

}  // namespace autotune::native
