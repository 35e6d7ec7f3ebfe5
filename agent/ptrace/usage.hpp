// Usage: what the traced processes of one scope (bpf/wire.h) have used, read from outside.
//
// CPU and run-queue time are sums over these processes alone. Memory is that of the nearest memory cgroup with a
// limit, if its files can be read; else the sum of the processes' resident memory and of their high-water marks.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "agent/ptrace/tasks.hpp"
#include "bpf/wire.h"
#include "os/cgroup_layout.hpp"

namespace autotune::ptrace {

class UsageReader {
public:
    UsageReader();

    [[nodiscard]] at_usage read(std::uint64_t scope, const Tasks& tasks);
    // What has gone stays in its scope's sums.
    void thread_gone(const Thread& thread, const ThreadSums& at_end);
    void process_gone(const Process& process);

private:
    struct Gone {
        std::uint64_t cpu_ns = 0;
        std::uint64_t runnable_ns = 0;
    };
    [[nodiscard]] bool read_memory_cgroup(pid_t pid, at_usage& usage) const;

    CgroupLayout layout_;
    std::map<std::uint64_t, Gone> gone_;  // by scope
};

}  // namespace autotune::ptrace
