#include "os/pidfd.hpp"

#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <string>

namespace autotune {
namespace {
// glibc 2.36 names it P_PIDFD only in newer headers' enum; the kernel's number is fixed.
constexpr auto kPidfdId = static_cast<idtype_t>(3);
}  // namespace

Result<Fd> open_pidfd(pid_t pid) {
    Fd fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    if (!fd) return unexpected(errno_error("pidfd of process " + std::to_string(pid), errno));
    return fd;
}

Status send_signal(const Fd& pidfd, int signal) {
    if (::syscall(SYS_pidfd_send_signal, pidfd.get(), signal, nullptr, 0) == 0) return ok();
    return unexpected(errno_error("sending signal " + std::to_string(signal), errno));
}

Result<std::optional<ExitStatus>> reap(const Fd& pidfd) {
    siginfo_t info{};
    if (::waitid(kPidfdId, static_cast<id_t>(pidfd.get()), &info, WEXITED | WNOHANG) != 0) {
        return unexpected(errno_error("waiting for a child", errno));
    }
    if (info.si_pid == 0) return std::optional<ExitStatus>();
    if (info.si_code == CLD_EXITED) return std::optional(ExitStatus{.code = info.si_status});
    return std::optional(ExitStatus{.signal = info.si_status});
}

}  // namespace autotune
