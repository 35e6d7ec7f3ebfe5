// Pidfd: a process by descriptor, so that a signal can never reach a stranger who got its number.
// Readable (poll) once the process has ended. Linux 5.4.
#pragma once

#include <sys/types.h>

#include <optional>

#include "core/result.hpp"
#include "os/fd.hpp"

namespace autotune {

// Errors: not_found when there is no such process.
[[nodiscard]] Result<Fd> open_pidfd(pid_t pid);

// Errors: not_found when it has ended.
[[nodiscard]] Status send_signal(const Fd& pidfd, int signal);

struct ExitStatus {
    int code = 0;    // 0..255, when it exited
    int signal = 0;  // 0 when it was not killed
    bool operator==(const ExitStatus&) const = default;
};

// How a child of this process ended, and reaps it; nullopt while it runs. Does not block.
[[nodiscard]] Result<std::optional<ExitStatus>> reap(const Fd& pidfd);

}  // namespace autotune
