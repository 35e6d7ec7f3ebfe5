#include "agent/bpf/syscall_meter.hpp"

namespace autotune {

void SyscallMeter::update(std::span<const CallCount> counts, Timestamp at, std::vector<Event>& events) {
    for (const auto& [key, count] : counts) {
        at_call_count& seen = seen_[{key.start_ns, key.tgid, key.number}];
        if (count.calls > seen.calls)
            events.push_back({.at = at,
                              .process = {static_cast<std::int32_t>(key.tgid), key.start_ns},
                              .cgroup = CgroupId(count.scope),
                              .by = Backend::bpf,
                              .body = SyscallTotals{.number = key.number,
                                                    .calls = count.calls - seen.calls,
                                                    .failures = count.failures - seen.failures}});
        seen = count;
    }
}

}  // namespace autotune
