#include "agent/bpf/syscall_meter.hpp"

namespace autotune {

void SyscallMeter::update(std::span<const CallCount> counts, Timestamp at, std::vector<Event>& events) {
    for (const CallCount& now : counts) {
        Seen& seen = seen_[{{now.process.pid, now.process.start_ns}, now.number}];
        if (now.calls > seen.calls)
            events.push_back({.at = at,
                              .process = now.process,
                              .cgroup = now.scope,
                              .by = Backend::bpf,
                              .body = SyscallTotals{.number = now.number,
                                                    .calls = now.calls - seen.calls,
                                                    .failures = now.failures - seen.failures}});
        seen = {now.calls, now.failures};
    }
}

void SyscallMeter::forget(const ProcessId& process) {
    const Who who{process.pid, process.start_ns};
    seen_.erase(seen_.lower_bound({who, 0}), seen_.upper_bound({who, UINT32_MAX}));
}

}  // namespace autotune
