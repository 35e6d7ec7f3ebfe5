#include "cli/stop_signals.hpp"

#include <sys/signalfd.h>

#include <cerrno>
#include <csignal>

namespace autotune::cli {

Result<Fd> stop_signals() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    struct sigaction hangup {};
    if (sigaction(SIGHUP, nullptr, &hangup) == 0 && hangup.sa_handler != SIG_IGN) sigaddset(&set, SIGHUP);
    std::signal(SIGPIPE, SIG_IGN);
    if (const int error = pthread_sigmask(SIG_BLOCK, &set, nullptr); error != 0)
        return unexpected(errno_error("blocking signals", error));
    Fd fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!fd) return unexpected(errno_error("signalfd", errno));
    return fd;
}

}  // namespace autotune::cli
