#include "os/cgroup.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <sstream>

#include "os/file.hpp"

namespace autotune {
namespace {

namespace fs = std::filesystem;

// The kernel refuses a smaller quota; a smaller share is had by a longer period.
constexpr Nanos kSmallestQuota = std::chrono::milliseconds(1);

std::string microseconds(Nanos d) {
    return std::to_string(std::chrono::duration_cast<std::chrono::microseconds>(d).count());
}

Result<std::uint64_t> parse_number(std::string_view text, const fs::path& from) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end == text.data()) {
        return fail(Errc::corrupt, from.string() + ": \"" + std::string(text) + "\" is no number");
    }
    return value;
}

Result<std::uint64_t> read_number(const fs::path& path) {
    const Result<std::string> text = read_file(path);
    if (!text) return text.forward();
    return parse_number(*text, path);
}

// The number behind `key` in a file of "key number" lines.
Result<std::uint64_t> read_key(const fs::path& path, std::string_view key) {
    const Result<std::string> text = read_file(path);
    if (!text) return text.forward();
    std::istringstream lines(*text);
    std::string name;
    for (std::uint64_t value = 0; lines >> name >> value;) {
        if (name == key) return value;
    }
    return fail(Errc::unsupported, path.string() + " has no " + std::string(key));
}

Unexpected missing(Controller c) {
    return fail(Errc::unsupported, "this machine has no " + std::string(to_string(c)) + " controller");
}

void pause_briefly() {
    const timespec moment{.tv_sec = 0, .tv_nsec = 2'000'000};
    ::nanosleep(&moment, nullptr);
}

}  // namespace

Result<Cgroup> Cgroup::create(const CgroupLayout& layout, const fs::path& path) {
    Cgroup group;
    group.layout_ = layout;
    group.path_ = path;
    for (const fs::path& directory : group.directories()) {
        if (::mkdir(directory.c_str(), 0755) != 0 && errno != EEXIST) {
            return unexpected(errno_error("creating cgroup " + directory.string(), errno));
        }
        if (directory != group.unified_path()) group.join_files_.push_back(directory / "cgroup.procs");
    }
    group.directory_ = Fd(::open(group.unified_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    struct stat status {};
    if (!group.directory_ || ::fstat(group.directory_.get(), &status) != 0) {
        return unexpected(errno_error("opening cgroup " + group.unified_path().string(), errno));
    }
    group.id_ = static_cast<CgroupId>(status.st_ino);
    if (group.version(Controller::memory) == CgroupVersion::v2) {
        const fs::path peak = group.unified_path() / "memory.peak";
        group.peak_ = Fd(::open(peak.c_str(), O_RDWR | O_CLOEXEC));
        if (!group.peak_) group.peak_ = Fd(::open(peak.c_str(), O_RDONLY | O_CLOEXEC));
    }
    return group;
}

Cgroup::~Cgroup() { discard(); }
Cgroup::Cgroup(Cgroup&&) noexcept = default;
Cgroup& Cgroup::operator=(Cgroup&& other) noexcept {
    if (this != &other) {
        discard();
        layout_ = std::move(other.layout_);
        path_ = std::move(other.path_);
        directory_ = std::move(other.directory_);
        peak_ = std::move(other.peak_);
        id_ = other.id_;
        join_files_ = std::move(other.join_files_);
    }
    return *this;
}

void Cgroup::discard() {
    if (!directory_) return;  // moved from, or removed
    (void)kill_all();
    Status removed = remove();
    for (int attempt = 0; !removed && removed.error().code == Errc::conflict && attempt < 100; ++attempt) {
        pause_briefly();
        removed = remove();
    }
    directory_.close();
}

fs::path Cgroup::unified_path() const { return layout_.unified / path_; }

// The v2 node first; removed in the opposite order, so that an id never outlives its limits.
std::vector<fs::path> Cgroup::directories() const {
    std::vector<fs::path> all{unified_path()};
    for (const Controller c : kControllers) {
        if (version(c) != CgroupVersion::v1) continue;
        const fs::path directory = layout_[c].mount / path_;  // cpu and pids may share one hierarchy
        if (std::find(all.begin(), all.end(), directory) == all.end()) all.push_back(directory);
    }
    return all;
}

fs::path Cgroup::file(Controller c, std::string_view v1, std::string_view v2) const {
    return layout_[c].mount / path_ / (version(c) == CgroupVersion::v1 ? v1 : v2);
}

Status Cgroup::limit_memory(std::uint64_t bytes) {
    constexpr auto c = Controller::memory;
    if (version(c) == CgroupVersion::none) return missing(c);
    const std::string text = std::to_string(bytes);
    const fs::path limit = file(c, "memory.limit_in_bytes", "memory.max");
    const fs::path swap = file(c, "memory.memsw.limit_in_bytes", "memory.swap.max");
    const bool has_swap = ::access(swap.c_str(), W_OK) == 0;  // absent when swap accounting is off
    if (version(c) == CgroupVersion::v2) {
        const Status limited = write_file(limit, text);
        return limited && has_swap ? write_file(swap, "0") : limited;
    }
    // v1 wants memory <= memory+swap at every step: which comes first depends on the direction.
    Status limited = write_file(limit, text);
    if (!has_swap) return limited;
    const Status both = write_file(swap, text);
    if (limited || !both) return limited ? both : limited;
    return write_file(limit, text);
}

Status Cgroup::limit_cpu(Nanos quota, Nanos period) {
    constexpr auto c = Controller::cpu;
    if (quota < kSmallestQuota && quota.count() > 0) {
        period = Nanos(period.count() * kSmallestQuota.count() / quota.count());
        quota = kSmallestQuota;
    }
    switch (version(c)) {
        case CgroupVersion::none: return missing(c);
        case CgroupVersion::v2:
            return write_file(file(c, "", "cpu.max"), microseconds(quota) + " " + microseconds(period));
        case CgroupVersion::v1: break;
    }
    const Status periods = write_file(file(c, "cpu.cfs_period_us", ""), microseconds(period));
    return periods ? write_file(file(c, "cpu.cfs_quota_us", ""), microseconds(quota)) : periods;
}

Status Cgroup::limit_pids(std::uint64_t count) {
    if (version(Controller::pids) == CgroupVersion::none) return missing(Controller::pids);
    return write_file(file(Controller::pids, "pids.max", "pids.max"), std::to_string(count));
}

Status Cgroup::kill_together_on_oom() {
    if (version(Controller::memory) != CgroupVersion::v2) {
        return fail(Errc::unsupported, "memory.oom.group needs the memory controller on cgroup v2");
    }
    return write_file(file(Controller::memory, "", "memory.oom.group"), "1");
}

Result<std::uint64_t> Cgroup::memory_usage() const {
    if (version(Controller::memory) == CgroupVersion::none) return missing(Controller::memory);
    return read_number(file(Controller::memory, "memory.usage_in_bytes", "memory.current"));
}

Result<std::uint64_t> Cgroup::memory_peak() const {
    const fs::path path = file(Controller::memory, "memory.max_usage_in_bytes", "memory.peak");
    if (version(Controller::memory) == CgroupVersion::v1) return read_number(path);
    if (!peak_) return fail(Errc::unsupported, "memory.peak needs Linux 5.19 and the memory controller");
    std::array<char, 32> text{};
    const ssize_t n = ::pread(peak_.get(), text.data(), text.size(), 0);
    if (n < 0) return unexpected(errno_error("reading " + path.string(), errno));
    return parse_number({text.data(), static_cast<std::size_t>(n)}, path);
}

Status Cgroup::reset_memory_peak() {
    if (version(Controller::memory) == CgroupVersion::v1) {
        return write_file(file(Controller::memory, "memory.max_usage_in_bytes", ""), "0");
    }
    if (peak_ && ::pwrite(peak_.get(), "reset\n", 6, 0) == 6) return ok();
    return fail(Errc::unsupported, "memory.peak cannot be reset before Linux 6.12");
}

Result<std::uint64_t> Cgroup::oom_kills() const {
    if (version(Controller::memory) == CgroupVersion::none) return missing(Controller::memory);
    return read_key(file(Controller::memory, "memory.oom_control", "memory.events"), "oom_kill");
}

Result<Fd> Cgroup::watch_oom() const {
    if (version(Controller::memory) != CgroupVersion::v1) {
        return fail(Errc::unsupported, "out-of-memory notification by eventfd is of cgroup v1");
    }
    const fs::path control = file(Controller::memory, "memory.oom_control", "");
    Fd event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    const Fd watched(::open(control.c_str(), O_RDONLY | O_CLOEXEC));
    if (!event || !watched) return unexpected(errno_error("watching " + control.string(), errno));
    const std::string line = std::to_string(event.get()) + " " + std::to_string(watched.get());
    const Status registered = write_file(file(Controller::memory, "cgroup.event_control", ""), line);
    if (!registered) return registered.forward();
    return event;
}

Status Cgroup::freeze() { return write_file(unified_path() / "cgroup.freeze", "1"); }
Status Cgroup::thaw() { return write_file(unified_path() / "cgroup.freeze", "0"); }

Result<bool> Cgroup::frozen() const {
    return read_key(unified_path() / "cgroup.events", "frozen").transform([](std::uint64_t n) {
        return n != 0;
    });
}

Result<bool> Cgroup::populated() const {
    return read_key(unified_path() / "cgroup.events", "populated").transform([](std::uint64_t n) {
        return n != 0;
    });
}

Result<std::vector<pid_t>> Cgroup::processes() const {
    const Result<std::string> text = read_file(unified_path() / "cgroup.procs");
    if (!text) return text.forward();
    std::istringstream words(*text);
    std::vector<pid_t> pids;
    for (pid_t pid = 0; words >> pid;) pids.push_back(pid);
    return pids;
}

Status Cgroup::kill_all() {
    const Status killed = write_file(unified_path() / "cgroup.kill", "1");
    if (killed || killed.error().code != Errc::not_found) return killed;
    // Before 5.14: what forks meanwhile is caught by the next round; frozen processes cannot fork.
    (void)freeze();
    for (int round = 0; round < 100; ++round) {
        const Result<std::vector<pid_t>> pids = processes();
        if (!pids) return pids.forward();
        if (pids->empty()) break;
        for (const pid_t pid : *pids) ::kill(pid, SIGKILL);
        (void)thaw();
        pause_briefly();
    }
    return thaw();
}

Status Cgroup::remove() {
    std::vector<fs::path> all = directories();
    std::reverse(all.begin(), all.end());
    for (const fs::path& directory : all) {
        if (::rmdir(directory.c_str()) == 0 || errno == ENOENT) continue;
        if (errno == EBUSY) return fail(Errc::conflict, "cgroup " + directory.string() + " is not empty yet");
        return unexpected(errno_error("removing cgroup " + directory.string(), errno));
    }
    directory_.close();
    return ok();
}

}  // namespace autotune
