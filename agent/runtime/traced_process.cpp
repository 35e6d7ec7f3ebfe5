#include "agent/runtime/traced_process.hpp"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>

#include "os/cgroup_layout.hpp"
#include "os/file.hpp"
#include "os/pidfd.hpp"

namespace autotune::runtime {

namespace {

std::uint64_t ns_of_ticks(std::uint64_t ticks) {
    const long per_second = sysconf(_SC_CLK_TCK);
    return per_second > 0 ? ticks * (1'000'000'000 / static_cast<std::uint64_t>(per_second)) : 0;
}

// Field 22 of /proc/PID/stat, in clock ticks since boot.
std::optional<std::uint64_t> start_time(const std::string& proc, std::int32_t pid) {
    const auto text = read_file(proc + "/" + std::to_string(pid) + "/stat");
    if (!text) return std::nullopt;
    std::string_view rest = *text;
    rest.remove_prefix(std::min(rest.rfind(')'), rest.size()));  // the command may hold blanks
    for (int blanks = 0; blanks < 20; ++blanks) {
        const auto blank = rest.find(' ');
        if (blank == std::string_view::npos) return std::nullopt;
        rest.remove_prefix(blank + 1);
    }
    std::uint64_t ticks = 0;
    const auto parsed = std::from_chars(rest.data(), rest.data() + rest.size(), ticks);
    return parsed.ec == std::errc() ? std::optional(ticks) : std::nullopt;
}

bool is_inner_pid(const std::string& proc, std::int32_t pid, std::int32_t inner) {
    const std::string status = read_file(proc + "/" + std::to_string(pid) + "/status").value_or("");
    const auto at = status.find("\nNSpid:");
    if (at == std::string::npos) return false;
    const std::string line = status.substr(at + 7, status.find('\n', at + 1) - at - 7);
    return line.ends_with("\t" + std::to_string(inner));
}

// The process that calls itself `inner` in its namespace and began at that time.
std::int32_t outer_pid(const std::string& proc, std::int32_t inner, std::uint64_t began) {
    std::error_code error;
    for (std::filesystem::directory_iterator it(proc, error), end; !error && it != end; it.increment(error)) {
        const std::string name = it->path().filename();
        std::int32_t pid = 0;
        if (std::from_chars(name.data(), name.data() + name.size(), pid).ptr != name.data() + name.size())
            continue;
        if (start_time(proc, pid) == began && is_inner_pid(proc, pid, inner)) return pid;
    }
    return 0;
}

// "0::/path": the unified hierarchy's.
CgroupId cgroup_of(const std::string& proc, std::int32_t pid) {
    const std::string text = "\n" + read_file(proc + "/" + std::to_string(pid) + "/cgroup").value_or("");
    const auto at = text.find("\n0::/");
    const auto layout = detect_cgroup_layout();
    if (at == std::string::npos || !layout) return CgroupId{};
    const auto path = layout->unified / text.substr(at + 5, text.find('\n', at + 1) - at - 5);
    struct stat s {};
    return stat(path.c_str(), &s) == 0 ? CgroupId{s.st_ino} : CgroupId{};
}

}  // namespace

TracedProcess TracedProcess::find(const at_ring_header& header, std::int32_t pid, const std::string& proc) {
    TracedProcess found;
    if (pid == 0) pid = header.pid;
    if (header.start_time != 0 && start_time(proc, pid) != header.start_time)
        if (const auto outer = outer_pid(proc, header.pid, header.start_time); outer != 0) pid = outer;
    found.id_ = {pid, ns_of_ticks(header.start_time)};
    auto pidfd = open_pidfd(pid);
    const auto began = start_time(proc, pid);
    // Another process by now: ours has ended.
    if (!pidfd || !began || (header.start_time != 0 && *began != header.start_time)) return found;
    found.pidfd_ = std::move(*pidfd);
    found.id_.start_ns = ns_of_ticks(*began);
    found.cgroup_ = cgroup_of(proc, pid);
    return found;
}

bool TracedProcess::running() const {
    pollfd ended{.fd = pidfd_.get(), .events = POLLIN, .revents = 0};
    return pidfd_.valid() && poll(&ended, 1, 0) == 0;
}

}  // namespace autotune::runtime
