#include "agent/symbols/process_snapshot.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <cstdlib>

#include "os/file.hpp"

namespace autotune::symbols {

namespace {

// Field 22 of /proc/PID/stat, in clock ticks since boot; the command before may hold blanks and brackets.
std::optional<std::uint64_t> start_ticks(std::string_view stat) {
    const auto command_end = stat.rfind(')');
    if (command_end == std::string_view::npos) return std::nullopt;
    stat.remove_prefix(command_end + 1);
    for (int field = 3; field <= 22; ++field) {
        stat.remove_prefix(std::min(stat.find_first_not_of(' '), stat.size()));
        if (field < 22) stat.remove_prefix(std::min(stat.find(' '), stat.size()));
    }
    std::uint64_t ticks = 0;
    if (std::from_chars(stat.data(), stat.data() + stat.size(), ticks).ec != std::errc()) return std::nullopt;
    return ticks;
}

bool is_same_process(std::string_view stat, const ProcessId& process) {
    if (process.start_ns == 0) return true;
    const auto ticks = start_ticks(stat);
    const auto per_second = static_cast<std::uint64_t>(sysconf(_SC_CLK_TCK));
    if (!ticks || per_second == 0) return false;
    const std::uint64_t expected = process.start_ns / (1'000'000'000 / per_second);
    return *ticks <= expected + 1 && expected <= *ticks + 1;
}

// "NSpid:\t4711\t12": the innermost is the last.
std::int32_t innermost_pid(std::string_view status, std::int32_t outer) {
    const auto at = status.find("\nNSpid:");
    if (at == std::string_view::npos) return outer;
    std::string_view line = status.substr(at + 7);
    line = line.substr(0, line.find('\n'));
    const auto last = line.find_last_of("\t ");
    std::int32_t pid = outer;
    if (last != std::string_view::npos)
        std::from_chars(line.data() + last + 1, line.data() + line.size(), pid);
    return pid;
}

}  // namespace

Fd open_regular(const std::string& path) {
    const Fd place(open(path.c_str(), O_PATH | O_CLOEXEC));
    struct stat status {};
    if (!place || fstat(place.get(), &status) != 0 || !S_ISREG(status.st_mode)) return Fd();
    return Fd(open(("/proc/self/fd/" + std::to_string(place.get())).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
}

// map_files leads to it; without the right to follow that, the path below the process's root.
Fd open_mapped(const std::string& folder, const Mapping& m) {
    char range[64];
    std::snprintf(range, sizeof range, "/map_files/%llx-%llx", static_cast<unsigned long long>(m.start),
                  static_cast<unsigned long long>(m.end));
    Fd fd(open((folder + range).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!fd && m.path.starts_with('/'))
        fd = open_regular(folder + "/root" + m.path);
    return fd;
}

std::optional<FileIdentity> pin_by_path(const Mapping& m, ModuleCache& modules) {
    Fd fd = open_regular(m.path);
    const auto file = fd ? identity_of(fd.get()) : std::nullopt;
    if (!file || file->inode != m.inode) return std::nullopt;
    modules.pin(*file, std::move(fd), {.root = {}, .path = m.path});
    return file;
}

std::optional<FileIdentity> ProcessSnapshot::file_of(const Mapping& mapping) const {
    const Mapping* own = maps.find(mapping.start);  // the caller's may be a copy
    if (own == nullptr) return std::nullopt;
    const auto index = static_cast<std::size_t>(own - maps.mappings().data());
    return index < files.size() ? files[index] : std::nullopt;
}

Result<ProcessSnapshot> take_snapshot(const std::string& proc, const ProcessId& process,
                                      ModuleCache& modules) {
    const std::string folder = proc + "/" + std::to_string(process.pid);
    const auto text = read_file(folder + "/maps");
    if (!text) return text.forward();
    const auto stat = read_file(folder + "/stat");
    if (!stat) return stat.forward();
    if (!is_same_process(*stat, process)) return fail(Errc::not_found, folder + " is another process by now");
    ProcessSnapshot snapshot;
    snapshot.maps = ProcessMaps::parse(*text);
    snapshot.inner_pid = innermost_pid(read_file(folder + "/status").value_or(""), process.pid);
    for (const Mapping& m : snapshot.maps.mappings()) {
        auto& file = snapshot.files.emplace_back();
        if (!m.has_file()) continue;
        Fd fd = open_mapped(folder, m);
        file = fd ? identity_of(fd.get()) : pin_by_path(m, modules);
        if (fd && file) modules.pin(*file, std::move(fd), {.root = folder + "/root", .path = m.path});
    }
    return snapshot;
}

}  // namespace autotune::symbols
