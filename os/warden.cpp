#include "os/warden.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "os/pidfd.hpp"

namespace autotune {
namespace {

// In the forked child: system calls only. Descriptors 0 and 1 are all it keeps.
[[noreturn]] void keep_watch(int host, int kill_file) {
    ::setsid();
    ::prctl(PR_SET_NAME, "autotune-warden");
    if (::dup2(host, 0) < 0 || ::dup2(kill_file, 1) < 0) ::_exit(1);
    ::syscall(SYS_close_range, 2U, ~0U, 0U);
    pollfd ended{.fd = 0, .events = POLLIN, .revents = 0};
    while (::poll(&ended, 1, -1) < 0 && errno == EINTR) {
    }
    (void)!::write(1, "1", 1);
    ::_exit(0);
}

}  // namespace

Result<Warden> Warden::watch_over(const Cgroup& cgroup) {
    // Above the descriptors that dup2 overwrites.
    const std::filesystem::path path = cgroup.unified_path() / "cgroup.kill";
    const Fd opened(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!opened) return fail(Errc::unsupported, "cgroup.kill needs Linux 5.14 (" + path.string() + ")");
    const Fd kill_file(::fcntl(opened.get(), F_DUPFD_CLOEXEC, 10));
    const Result<Fd> self = open_pidfd(::getpid());
    if (!self) return self.forward();
    const Fd host(::fcntl(self->get(), F_DUPFD_CLOEXEC, 10));
    if (!kill_file || !host) return unexpected(errno_error("duplicating a descriptor", errno));

    // Termination signals that are meant for the host's whole service must not stop the warden first.
    sigset_t all, before;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    const pid_t pid = ::fork();
    if (pid == 0) keep_watch(host.get(), kill_file.get());
    const int reason = errno;
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (pid < 0) return unexpected(errno_error("forking", reason));
    Result<Fd> pidfd = open_pidfd(pid);
    if (!pidfd) return pidfd.forward();
    return Warden(std::move(*pidfd));
}

Warden::~Warden() {
    if (!pidfd_) return;
    (void)send_signal(pidfd_, SIGKILL);
    siginfo_t info{};
    ::waitid(static_cast<idtype_t>(3), static_cast<id_t>(pidfd_.get()), &info, WEXITED);
}

}  // namespace autotune
