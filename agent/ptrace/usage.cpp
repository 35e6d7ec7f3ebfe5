#include "agent/ptrace/usage.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>

#include "agent/ptrace/proc_files.hpp"
#include "os/file.hpp"

namespace autotune::ptrace {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kNoLimit = std::uint64_t{1} << 62;  // v1 says "none" by a number near 2^63

struct MemoryFiles {
    const char *limit, *now, *peak;
};
constexpr MemoryFiles kVersion1{"memory.limit_in_bytes", "memory.usage_in_bytes", "memory.max_usage_in_bytes"};
constexpr MemoryFiles kVersion2{"memory.max", "memory.current", "memory.peak"};

std::optional<std::uint64_t> number_in(const fs::path& file) {
    const auto text = read_file(file);
    std::uint64_t number = 0;
    if (!text || std::from_chars(text->data(), text->data() + text->size(), number).ec != std::errc())
        return std::nullopt;
    return number;
}

std::uint64_t as_unsigned(Nanos time) { return static_cast<std::uint64_t>(std::max(time, Nanos(0)).count()); }

void add_resident_memory(pid_t pid, at_usage& usage) {
    const auto status = read_file("/proc/" + std::to_string(pid) + "/status");
    if (!status) return;
    usage.memory_now += status_number(*status, "VmRSS").value_or(0) * 1024;
    usage.memory_peak += status_number(*status, "VmHWM").value_or(0) * 1024;
}

}  // namespace

UsageReader::UsageReader() {
    if (auto found = detect_cgroup_layout()) layout_ = *std::move(found);
}

bool UsageReader::read_memory_cgroup(pid_t pid, at_usage& usage) const {
    const auto& hierarchy = layout_[Controller::memory];
    if (hierarchy.version == CgroupVersion::none) return false;
    const auto text = read_file("/proc/" + std::to_string(pid) + "/cgroup");
    if (!text) return false;
    const bool is_v2 = hierarchy.version == CgroupVersion::v2;
    const auto path = is_v2 ? unified_path(*text) : controller_path(*text, "memory");
    if (!path) return false;
    const MemoryFiles& files = is_v2 ? kVersion2 : kVersion1;
    const std::string relative(path->substr(1));
    for (fs::path at = hierarchy.mount / relative; at.string().size() > hierarchy.mount.string().size();
         at = at.parent_path()) {
        const auto limit = number_in(at / files.limit);  // "max" is no number
        if (!limit || *limit >= kNoLimit) continue;
        const auto now = number_in(at / files.now);
        if (!now) return false;
        usage.memory_limit = *limit;
        usage.memory_now = *now;
        usage.memory_peak = number_in(at / files.peak).value_or(*now);
        return true;
    }
    return false;
}

at_usage UsageReader::read(std::uint64_t scope, const Tasks& tasks) {
    at_usage usage{};
    const Gone& gone = gone_[scope];
    usage.cpu_ns = gone.cpu_ns;
    usage.runnable_ns = gone.runnable_ns;
    pid_t any = 0;
    for (const auto& [pid, process] : tasks.processes()) {
        if (process->scope != scope || process->has_ended) continue;
        any = pid;
        usage.cpu_ns += as_unsigned(cpu_time_of(pid) - process->cpu_before);
    }
    for (const auto& [tid, thread] : tasks.threads()) {
        if (thread.process->scope != scope || thread.process->has_ended) continue;
        usage.runnable_ns += as_unsigned(thread_sums(thread.process->pid, tid).run_queue - thread.before.run_queue);
    }
    if (any == 0 || read_memory_cgroup(any, usage)) return usage;
    for (const auto& [pid, process] : tasks.processes())
        if (process->scope == scope && !process->has_ended) add_resident_memory(pid, usage);
    return usage;
}

void UsageReader::thread_gone(const Thread& thread, const ThreadSums& at_end) {
    gone_[thread.process->scope].runnable_ns += as_unsigned(at_end.run_queue - thread.before.run_queue);
}

void UsageReader::process_gone(const Process& process) {
    gone_[process.scope].cpu_ns += as_unsigned(process.cpu_at_end - process.cpu_before);
}

}  // namespace autotune::ptrace
