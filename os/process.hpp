// Starting a process inside a cgroup, without a shell.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "core/result.hpp"
#include "os/cgroup.hpp"
#include "os/fd.hpp"

namespace autotune {

struct SpawnOptions {
    std::vector<std::string> argv;         // argv[0] is the path of the executable; PATH is not searched
    std::vector<std::string> environment;  // "NAME=value", all of it
    std::filesystem::path directory = "/";
    const Cgroup* cgroup = nullptr;                     // null: the caller's
    int output = -1;                                    // becomes stdout and stderr; stdin is /dev/null
    std::vector<std::pair<int, std::uint64_t>> limits;  // RLIMIT_*, both soft and hard
    // Folder and where the process sees it, read-only, in a mount namespace of its own; both exist.
    std::vector<std::pair<std::filesystem::path, std::filesystem::path>> mounts;
};

struct Child {
    pid_t pid = 0;
    Fd pidfd;
};

// The new process is in its cgroup before its first instruction, leads a session, has default signal
// handlers, none of the caller's descriptors, and gets SIGKILL when the calling *thread* ends.
// Returns after exec(2) succeeded. Errors: invalid_argument when the executable could not be run
// (message "PATH: reason"), unsupported when a mount is not possible here; others when the process could not be made.
[[nodiscard]] Result<Child> spawn(const SpawnOptions& options);

}  // namespace autotune
