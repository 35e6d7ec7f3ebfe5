#include "agent/ptrace/proc_files.hpp"

#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <system_error>

#include "os/file.hpp"

namespace autotune::ptrace {
namespace {

std::string_view next_word(std::string_view& text) {
    const auto begin = text.find_first_not_of(" \t\n");
    if (begin == std::string_view::npos) return text = {};
    text.remove_prefix(begin);
    const std::string_view word = text.substr(0, text.find_first_of(" \t\n"));
    text.remove_prefix(word.size());
    return word;
}

std::optional<std::uint64_t> next_number(std::string_view& text) {
    const std::string_view word = next_word(text);
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    if (word.empty() || error != std::errc() || end != word.data() + word.size()) return std::nullopt;
    return number;
}

// Names that are numbers.
std::vector<pid_t> numbers_in(const std::filesystem::path& folder) {
    std::vector<pid_t> numbers;
    std::error_code error;
    std::filesystem::directory_iterator it(folder, error);
    for (; !error && it != std::filesystem::directory_iterator(); it.increment(error))
        if (const int number = std::atoi(it->path().filename().c_str()); number > 0) numbers.push_back(number);
    return numbers;
}

std::string proc_path(pid_t pid, const std::string& name) { return "/proc/" + std::to_string(pid) + "/" + name; }

}  // namespace

std::optional<StatFields> parse_stat(std::string_view text) {
    const auto name_end = text.rfind(')');
    if (name_end == std::string_view::npos) return std::nullopt;
    text.remove_prefix(name_end + 1);
    next_word(text);  // field 3: state
    StatFields fields;
    std::uint64_t user = 0;
    for (int field = 4; field <= 22; ++field) {
        if (field == 8 || (field >= 16 && field <= 19)) {  // these may be negative
            next_word(text);
            continue;
        }
        const auto number = next_number(text);
        if (!number) return std::nullopt;
        if (field == 4) fields.parent = static_cast<pid_t>(*number);
        if (field == 10) fields.minor_faults = *number;
        if (field == 12) fields.major_faults = *number;
        if (field == 14) user = *number;
        if (field == 15) fields.cpu_ticks = user + *number;
        if (field == 22) fields.start_ticks = *number;
    }
    return fields;
}

std::optional<SchedStat> parse_schedstat(std::string_view text) {
    const auto on_cpu = next_number(text);
    const auto run_queue = next_number(text);
    if (!on_cpu || !run_queue) return std::nullopt;
    return SchedStat{Nanos(static_cast<std::int64_t>(*on_cpu)), Nanos(static_cast<std::int64_t>(*run_queue))};
}

std::optional<std::uint64_t> status_number(std::string_view status, std::string_view name) {
    while (!status.empty()) {
        std::string_view line = status.substr(0, status.find('\n'));
        status.remove_prefix(std::min(line.size() + 1, status.size()));
        if (!line.starts_with(name) || line.size() <= name.size() || line[name.size()] != ':') continue;
        line.remove_prefix(name.size() + 1);
        return next_number(line);
    }
    return std::nullopt;
}

std::optional<std::uint64_t> epoll_data(std::string_view fdinfo, int fd) {
    while (!fdinfo.empty()) {
        std::string_view line = fdinfo.substr(0, fdinfo.find('\n'));
        fdinfo.remove_prefix(std::min(line.size() + 1, fdinfo.size()));
        if (next_word(line) != "tfd:" || next_number(line) != static_cast<std::uint64_t>(fd)) continue;
        for (std::string_view word = next_word(line); !word.empty(); word = next_word(line)) {
            if (word != "data:") continue;
            const std::string_view hex = next_word(line);
            std::uint64_t data = 0;
            const auto [end, error] = std::from_chars(hex.data(), hex.data() + hex.size(), data, 16);
            if (error == std::errc() && !hex.empty() && end == hex.data() + hex.size()) return data;
        }
    }
    return std::nullopt;
}

std::optional<std::string_view> controller_path(std::string_view cgroup_file, std::string_view controller) {
    while (!cgroup_file.empty()) {
        const std::string_view line = cgroup_file.substr(0, cgroup_file.find('\n'));
        cgroup_file.remove_prefix(std::min(line.size() + 1, cgroup_file.size()));
        const auto first = line.find(':');  // "4:memory:/path", "3:cpu,cpuacct:/path", "0::/path"
        const auto second = first == std::string_view::npos ? first : line.find(':', first + 1);
        if (second == std::string_view::npos || second + 1 >= line.size() || line[second + 1] != '/') continue;
        std::string_view names = line.substr(first + 1, second - first - 1);
        do {
            const std::string_view name = names.substr(0, names.find(','));
            if (name == controller) return line.substr(second + 1);
            names.remove_prefix(std::min(name.size() + 1, names.size()));
        } while (!names.empty());
    }
    return std::nullopt;
}

std::optional<std::string_view> unified_path(std::string_view cgroup_file) {
    return controller_path(cgroup_file, "");
}

pid_t process_of(pid_t tid) {
    const auto status = read_file(proc_path(tid, "status"));
    return status ? static_cast<pid_t>(status_number(*status, "Tgid").value_or(0)) : 0;
}

ThreadSums thread_sums(pid_t pid, pid_t tid) {
    ThreadSums sums;
    const std::string folder = "task/" + std::to_string(tid) + "/";
    std::optional<StatFields> stat;
    if (const auto text = read_file(proc_path(pid, folder + "stat"))) stat = parse_stat(*text);
    if (stat) {
        sums.minor_faults = stat->minor_faults;
        sums.major_faults = stat->major_faults;
    }
    const auto text = read_file(proc_path(pid, folder + "schedstat"));
    if (const auto sched = text ? parse_schedstat(*text) : std::nullopt; sched && sched->on_cpu > Nanos(0)) {
        sums.on_cpu = sched->on_cpu;
        sums.run_queue = sched->run_queue;
    } else if (stat) {
        sums.on_cpu = Nanos(static_cast<std::int64_t>(stat->cpu_ticks) * (1'000'000'000 / sysconf(_SC_CLK_TCK)));
    }
    return sums;
}

std::vector<pid_t> threads_of(pid_t pid) { return numbers_in(proc_path(pid, "task")); }

std::vector<pid_t> descendants_of(pid_t pid) {
    std::multimap<pid_t, pid_t> children;
    for (const pid_t one : numbers_in("/proc"))
        if (const auto text = read_file(proc_path(one, "stat")))
            if (const auto stat = parse_stat(*text)) children.emplace(stat->parent, one);
    std::vector<pid_t> found{pid};
    for (std::size_t at = 0; at < found.size(); ++at) {
        const auto [first, last] = children.equal_range(found[at]);
        for (auto it = first; it != last; ++it) found.push_back(it->second);
    }
    found.erase(found.begin());
    return found;
}

std::uint64_t start_ns_of(const StatFields& stat) {
    return stat.start_ticks * (1'000'000'000ull / static_cast<std::uint64_t>(sysconf(_SC_CLK_TCK)));
}

Nanos cpu_time_of(pid_t pid) {
    clockid_t clock{};
    timespec time{};
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &time) != 0) return Nanos(0);
    return std::chrono::seconds(time.tv_sec) + Nanos(time.tv_nsec);
}

std::string link_of(pid_t pid, const std::string& name) {
    std::error_code error;
    const auto target = std::filesystem::read_symlink(proc_path(pid, name), error);
    return error ? std::string() : target.string();
}

}  // namespace autotune::ptrace
