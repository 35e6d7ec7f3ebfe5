#include "os/procfs.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <string_view>
#include <system_error>

#include "os/file.hpp"

namespace autotune {

Result<std::string> Procfs::link(const std::filesystem::path& path) {
    std::error_code error;
    auto target = std::filesystem::read_symlink(path, error);
    if (error) return unexpected(errno_error("reading " + path.string(), error.value()));
    return target.string();
}

Result<std::string> Procfs::environment(pid_t pid) const { return read_file(of(pid) / "environ"); }

Result<std::string> Procfs::descriptor(pid_t pid, int fd) const {
    return link(of(pid) / "fd" / std::to_string(fd));
}

Result<std::string> Procfs::working_directory(pid_t pid) const { return link(of(pid) / "cwd"); }

namespace {

// The rest of a line of …/status; empty when there is no such line.
std::string_view status_line(std::string_view status, const std::string& name) {
    const auto at = status.find("\n" + name + ":\t");
    if (at == std::string_view::npos) return {};
    status.remove_prefix(at + name.size() + 3);
    return status.substr(0, status.find('\n'));
}

pid_t pid_of(std::string_view text) {
    pid_t pid = 0;
    std::from_chars(text.data(), text.data() + text.size(), pid);
    return pid;
}

}  // namespace

Result<Procfs::Tracer> Procfs::tracer(pid_t pid) const {
    const auto status = read_file(of(pid) / "status");
    if (!status) return status.forward();
    return Tracer{.pid = pid_of(status_line(*status, "TracerPid")),
                  .holds_it = status_line(*status, "State").starts_with('t')};
}

Result<std::string> Procfs::command(pid_t pid) const {
    auto name = read_file(of(pid) / "comm");
    if (name && name->ends_with('\n')) name->pop_back();
    return name;
}

Result<pid_t> Procfs::thread_group(pid_t tid) const {
    const auto status = read_file(of(tid) / "status");
    if (!status) return status.forward();
    const pid_t group = pid_of(status_line(*status, "Tgid"));
    if (group <= 0) return fail(Errc::internal, (of(tid) / "status").string() + " has no Tgid");
    return group;
}

namespace {

// "PID (COMMAND) STATE PPID …": the command may hold anything.
pid_t parent_of(std::string_view stat) {
    const auto end = stat.rfind(')');
    pid_t parent = 0;
    if (end != std::string_view::npos && stat.size() > end + 4)
        std::from_chars(stat.data() + end + 4, stat.data() + stat.size(), parent);
    return parent;
}

}  // namespace

std::vector<pid_t> Procfs::with_descendants(const std::vector<pid_t>& pids) const {
    std::vector<pid_t> family = pids;
    if (pids.empty()) return family;
    std::multimap<pid_t, pid_t> children;
    std::error_code error;
    for (std::filesystem::directory_iterator it(root_, error), end; !error && it != end; it.increment(error)) {
        const std::string name = it->path().filename();
        pid_t pid = 0;
        std::from_chars(name.data(), name.data() + name.size(), pid);
        if (pid <= 0) continue;
        if (const auto stat = read_file(it->path() / "stat")) children.emplace(parent_of(*stat), pid);
    }
    for (std::size_t i = 0; i < family.size(); ++i)
        for (auto [child, last] = children.equal_range(family[i]); child != last; ++child)
            if (std::ranges::find(family, child->second) == family.end()) family.push_back(child->second);
    return family;
}

}  // namespace autotune
