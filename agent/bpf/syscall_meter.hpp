// SyscallMeter: the kernel side's counters of system calls, which only grow, to SyscallTotals events: what is new
// since the last look.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "agent/bpf/call_count.hpp"
#include "core/event.hpp"

namespace autotune {

class SyscallMeter {
public:
    // Appends to `events` what was counted since the last call, no zeros.
    void update(std::span<const CallCount> counts, Timestamp at, std::vector<Event>& events);
    void forget(const at_call_key& key) { seen_.erase({key.start_ns, key.tgid, key.number}); }

private:
    struct Key {
        std::uint64_t start_ns;
        std::uint32_t tgid, number;
        auto operator<=>(const Key&) const = default;
    };
    std::map<Key, at_call_count> seen_;
};

}  // namespace autotune
