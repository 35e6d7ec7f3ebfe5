// What /proc tells of a task that is traced. The parsers are pure; the readers give zeros or nullopt of a task that
// has gone.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/ptrace/tracee.hpp"

namespace autotune::ptrace {

// /proc/PID/stat, the fields that we want; the name in it may hold anything.
struct StatFields {
    pid_t parent = 0;
    std::uint64_t minor_faults = 0;
    std::uint64_t major_faults = 0;
    std::uint64_t cpu_ticks = 0;    // user and system
    std::uint64_t start_ticks = 0;  // since boot
};
[[nodiscard]] std::optional<StatFields> parse_stat(std::string_view text);

// /proc/PID/schedstat: time on a CPU, time waiting for one, slices.
struct SchedStat {
    Nanos on_cpu{0};
    Nanos run_queue{0};
};
[[nodiscard]] std::optional<SchedStat> parse_schedstat(std::string_view text);

// A number of /proc/PID/status: "Tgid", "PPid", "VmHWM" (in its unit).
[[nodiscard]] std::optional<std::uint64_t> status_number(std::string_view status, std::string_view name);

// /proc/PID/fdinfo/FD of an epoll: what the program gave with that descriptor; nullopt when it is not watched.
[[nodiscard]] std::optional<std::uint64_t> epoll_data(std::string_view fdinfo, int fd);

// The path in the cgroup-v2 hierarchy of /proc/PID/cgroup; nullopt when there is none.
[[nodiscard]] std::optional<std::string_view> unified_path(std::string_view cgroup_file);
// … and in that of a v1 controller.
[[nodiscard]] std::optional<std::string_view> controller_path(std::string_view cgroup_file,
                                                              std::string_view controller);

[[nodiscard]] pid_t process_of(pid_t tid);         // its thread group; 0: gone
[[nodiscard]] ThreadSums thread_sums(pid_t pid, pid_t tid);
[[nodiscard]] std::vector<pid_t> threads_of(pid_t pid);
[[nodiscard]] std::vector<pid_t> descendants_of(pid_t pid);  // processes, parents first
[[nodiscard]] std::uint64_t start_ns_of(const StatFields& stat);
[[nodiscard]] Nanos cpu_time_of(pid_t pid);        // all its threads, dead ones too
// A link: "cwd", "exe", "fd/3"; empty when it cannot be read.
[[nodiscard]] std::string link_of(pid_t pid, const std::string& name);

}  // namespace autotune::ptrace
