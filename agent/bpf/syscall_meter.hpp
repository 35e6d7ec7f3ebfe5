// SyscallMeter: the kernel side's counters of system calls, which only grow, to SyscallTotals events: what is new
// since the last look.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include "agent/bpf/call_count.hpp"
#include "core/event.hpp"

namespace autotune {

class SyscallMeter {
public:
    // Appends to `events` what was counted since the last call, no zeros.
    void update(std::span<const CallCount> counts, Timestamp at, std::vector<Event>& events);
    void forget(const ProcessId& process);

private:
    struct Seen {
        std::uint64_t calls = 0, failures = 0;
    };
    using Who = std::pair<std::int32_t, std::uint64_t>;      // pid, start
    std::map<std::pair<Who, std::uint32_t>, Seen> seen_;     // by process and number
};

}  // namespace autotune
