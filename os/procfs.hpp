// Procfs: what /proc tells of single processes. Each call reads anew; a process that has gone is not_found.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "core/result.hpp"

namespace autotune {

class Procfs {
public:
    explicit Procfs(std::filesystem::path root = "/proc") : root_(std::move(root)) {}

    // NAME=value, NUL after each.
    [[nodiscard]] Result<std::string> environment(pid_t pid) const;
    // What a descriptor is: a path, "pipe:[123]", "socket:[123]".
    [[nodiscard]] Result<std::string> descriptor(pid_t pid, int fd) const;
    [[nodiscard]] Result<std::string> working_directory(pid_t pid) const;
    // The process that a thread (or process) belongs to.
    [[nodiscard]] Result<pid_t> thread_group(pid_t tid) const;

    // Who traces a process with ptrace; pid 0: nobody.
    struct Tracer {
        pid_t pid = 0;
        bool holds_it = false;  // the main thread is stopped by it
    };
    [[nodiscard]] Result<Tracer> tracer(pid_t pid) const;
    // The name of its program, 15 bytes at most.
    [[nodiscard]] Result<std::string> command(pid_t pid) const;

    // Those processes and all that descend from them now. Empty when none is given.
    [[nodiscard]] std::vector<pid_t> with_descendants(const std::vector<pid_t>& pids) const;

private:
    [[nodiscard]] std::filesystem::path of(pid_t pid) const { return root_ / std::to_string(pid); }
    [[nodiscard]] static Result<std::string> link(const std::filesystem::path& path);
    std::filesystem::path root_;
};

}  // namespace autotune
