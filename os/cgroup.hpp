// Cgroup: one control group, the same relative path in every hierarchy that matters (v1 memory, cpu
// and pids plus the v2 node, or the v2 node alone). Callers never see which.
//
// Not thread-safe. Directories are removed by remove(); the destructor kills what is left inside and
// tries to remove for a moment, so that a forgotten group does not stay behind.
// Kernel documents: admin-guide/cgroup-v2.rst, admin-guide/cgroup-v1/*.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/ids.hpp"
#include "core/result.hpp"
#include "core/time.hpp"
#include "os/cgroup_layout.hpp"
#include "os/fd.hpp"

namespace autotune {

class Cgroup {
public:
    // Creates `path` (relative, e.g. "autotune/4711/hello-1") in every hierarchy of `layout`; parents
    // must exist. Takes over directories that are there already.
    static Result<Cgroup> create(const CgroupLayout& layout, const std::filesystem::path& path);
    ~Cgroup();
    Cgroup(Cgroup&&) noexcept;
    Cgroup& operator=(Cgroup&&) noexcept;

    // Inode of the v2 directory: what bpf_get_current_cgroup_id() gives for its processes.
    [[nodiscard]] CgroupId id() const { return id_; }
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }  // relative

    // Limits. Errors: unsupported where this machine has no such controller.
    Status limit_memory(std::uint64_t bytes);  // swap included: there is none for the group
    Status limit_cpu(Nanos quota, Nanos period);
    Status limit_pids(std::uint64_t count);
    // The kernel then kills the whole group when it kills one process of it (v2 memory.oom.group).
    // Errors: unsupported on v1; watch_oom() serves there.
    Status kill_together_on_oom();

    [[nodiscard]] Result<std::uint64_t> memory_usage() const;  // bytes
    // Highest usage since creation or the last reset_memory_peak().
    [[nodiscard]] Result<std::uint64_t> memory_peak() const;
    // Errors: unsupported on v2 before Linux 6.12; the peak is then of the group's whole life.
    Status reset_memory_peak();
    // Processes that the kernel killed in this group for want of memory, ever. With kill_together_on_oom
    // read it as yes or no.
    [[nodiscard]] Result<std::uint64_t> oom_kills() const;
    // A descriptor (the caller's) that becomes readable when the group hits its limit and must kill; the
    // kill itself follows within milliseconds. Read 8 bytes to rearm. Errors: unsupported on v2.
    [[nodiscard]] Result<Fd> watch_oom() const;

    Status freeze();  // asked for; done when frozen()
    Status thaw();
    [[nodiscard]] Result<bool> frozen() const;
    // SIGKILL to every process inside, also to those forked meanwhile.
    Status kill_all();
    [[nodiscard]] Result<bool> populated() const;  // some process, in it or below, is alive
    [[nodiscard]] Result<std::vector<pid_t>> processes() const;

    // Errors: conflict while processes (or children) are inside; try again when they have gone.
    Status remove();

    // For spawn(): the v2 directory, and the files that a new process writes "0" to to join v1.
    [[nodiscard]] int directory() const { return directory_.get(); }
    [[nodiscard]] const std::vector<std::filesystem::path>& join_files() const { return join_files_; }
    [[nodiscard]] std::filesystem::path unified_path() const;  // absolute

private:
    Cgroup() = default;
    [[nodiscard]] std::filesystem::path file(Controller c, std::string_view v1, std::string_view v2) const;
    [[nodiscard]] CgroupVersion version(Controller c) const { return layout_[c].version; }
    [[nodiscard]] std::vector<std::filesystem::path> directories() const;
    void discard();

    CgroupLayout layout_;
    std::filesystem::path path_;
    Fd directory_;
    Fd peak_;  // v2 memory.peak: a reset holds for readers of the same descriptor
    CgroupId id_{};
    std::vector<std::filesystem::path> join_files_;
};

}  // namespace autotune
