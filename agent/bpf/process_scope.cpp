#include "agent/bpf/process_scope.hpp"

#include <algorithm>
#include <string>

namespace autotune {

Result<ProcessScope> find_processes(const Procfs& proc, std::span<const std::int32_t> wanted,
                                    std::span<const std::int32_t> known) {
    ProcessScope scope;
    const auto contains = [](const auto& pids, std::int32_t pid) {
        return std::ranges::find(pids, pid) != pids.end();
    };
    for (const std::int32_t pid : wanted) {
        std::int32_t group = pid;
        if (!contains(known, pid)) {
            const auto found = proc.thread_group(pid);
            if (!found && found.error().code == Errc::not_found)
                return fail(Errc::not_found, "no process has the id " + std::to_string(pid));
            if (!found) return found.forward();
            group = *found;
        }
        if (contains(scope.all, group)) continue;
        scope.all.push_back(group);
        if (!contains(known, group)) scope.fresh.push_back(group);
    }
    return scope;
}

}  // namespace autotune
