// ProcessTable: the processes in scope: who started whom, in which cgroup, under which name.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>

#include "core/event.hpp"

namespace autotune::analysis {

struct ProcessEntry {
    ProcessId id;
    std::int32_t parent_pid = 0;
    CgroupId cgroup{};
    StringId command{};
    bool executor_like = false;        // an ExecutorSeen named it
    std::optional<Timestamp> started;  // its fork or, not seen, its exec; not of one that was there before us
    std::optional<Timestamp> exited;
};

class ProcessTable {
public:
    void started(const Event& event, const ProcessStarted& what);
    void seen_as_executor(const Event& event);
    void exited(const Event& event);

    // nullptr when unknown. With start_ns = 0 the pid alone decides.
    [[nodiscard]] const ProcessEntry* find(const ProcessId& id) const;

    // The process that a runtime lives and dies with: the outermost ancestor of `id` in its cgroup that was
    // seen as an executor, else simply the outermost. A bootstrap in shell script that calls curl for
    // each invocation is the shell, not the curl. `id` itself when nothing is known.
    [[nodiscard]] ProcessId root_of(const ProcessId& id) const;

    // Is `ancestor` the process itself or above it?
    [[nodiscard]] bool descends_from(const ProcessId& id, const ProcessId& ancestor) const;

    // Forgets processes that exited before `before`; beyond a bound, all that started before it.
    void sweep(Timestamp before);

private:
    ProcessEntry& entry(const Event& event);

    std::unordered_map<std::int32_t, ProcessEntry> by_pid_;
};

// Same process? A start time of 0 is not known and fits any.
[[nodiscard]] constexpr bool same_process(const ProcessId& a, const ProcessId& b) {
    return a.pid == b.pid && (a.start_ns == b.start_ns || a.start_ns == 0 || b.start_ns == 0);
}

}  // namespace autotune::analysis
