#include "agent/ptrace/launch.hpp"

#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "agent/ptrace/refusal.hpp"
#include "agent/ptrace/remote.hpp"
#include "agent/ptrace/trace_filter.hpp"
#include "os/file.hpp"
#include "os/file_limit.hpp"
#include "os/pidfd.hpp"

namespace autotune::ptrace {
namespace {

constexpr long kOptions = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
                          PTRACE_O_TRACEEXEC | PTRACE_O_TRACEEXIT | PTRACE_O_TRACESECCOMP;

// In the child: nothing here may allocate.
bool install(const sock_fprog& program) {
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0) return true;
    if (errno != EACCES) return false;
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0;
}

sock_fprog program_of(std::span<const sock_filter> filter) {
    return {.len = static_cast<unsigned short>(filter.size()), .filter = const_cast<sock_filter*>(filter.data())};
}

void restore_signals() {
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    signal(SIGPIPE, SIG_DFL);
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
    std::vector<char*> all;
    for (const std::string& text : texts) all.push_back(const_cast<char*>(text.c_str()));
    all.push_back(nullptr);
    return all;
}

// The child waits for us on `go`, so that nothing of it is missed.
struct Held {
    pid_t pid = 0;
    Pipe go;
};

template <class Work>
Result<Held> fork_held(const Work& work) {
    auto go = make_pipe();
    if (!go) return go.forward();
    const pid_t pid = fork();
    if (pid < 0) return unexpected(errno_error("starting a process", errno));
    if (pid == 0) {
        go->write.close();
        char byte = 0;
        if (read(go->read.get(), &byte, 1) != 1) _exit(125);
        work();
        _exit(127);
    }
    return Held{.pid = pid, .go = *std::move(go)};
}

}  // namespace

Status seize(pid_t tid) {
    if (::ptrace(PTRACE_SEIZE, tid, nullptr, kOptions) == 0) return ok();
    return unexpected(explain_refusal(tid, errno));
}

Result<Launched> launch(const std::vector<std::string>& command, const std::vector<std::string>& environment,
                        std::span<const sock_filter> filter) {
    auto trouble = make_pipe();
    if (!trouble) return trouble.forward();
    const std::vector<char*> arguments = pointers(command);
    const std::vector<char*> variables = pointers(environment);
    const sock_fprog program = program_of(filter);
    const int tell = trouble->write.get();
    auto held = fork_held([&] {
        restore_signals();
        restore_file_limit();
        if (install(program)) execvpe(arguments[0], arguments.data(), variables.data());
        const int error = errno;
        if (write(tell, &error, sizeof error) < 0) _exit(126);
    });
    if (!held) return held.forward();
    auto pidfd = open_pidfd(held->pid);
    Status seized = pidfd ? seize(held->pid) : Status(pidfd.forward());
    if (seized && write(held->go.write.get(), "", 1) == 1)
        return Launched{.pid = held->pid, .pidfd = *std::move(pidfd), .trouble = std::move(trouble->read)};
    held->go.write.close();  // it leaves by itself
    waitpid(held->pid, nullptr, __WALL);
    Error refusal = seized ? Error{Errc::unavailable, "it ended before it began"} : seized.error();
    // Not to be taken for a command that may not be executed.
    if (refusal.code == Errc::permission_denied || refusal.code == Errc::not_found) refusal.code = Errc::unsupported;
    return unexpected(refusal.with_context("tracing " + command[0]));
}

Nanos measure_call_bias() {
    constexpr int kCalls = 65;
    WantedCall measured{.number = SYS_getppid};
    const std::vector<sock_filter> filter = trace_filter({&measured, 1}, Unlisted::pass);
    const sock_fprog program = program_of(filter);
    auto held = fork_held([&] {
        if (!install(program)) return;
        for (int i = 0; i < kCalls; ++i) syscall(SYS_getppid);
    });
    if (!held) return Nanos(0);
    const bool seized = seize(held->pid).has_value();
    if (!seized || write(held->go.write.get(), "", 1) != 1) held->go.write.close();
    SystemClock clock;
    std::vector<Nanos> taken;
    Timestamp entered{};
    for (int status = 0; waitpid(held->pid, &status, __WALL) == held->pid && WIFSTOPPED(status);) {
        const Timestamp now = clock.now();
        const bool at_entry = status >> 16 == PTRACE_EVENT_SECCOMP;
        if (WSTOPSIG(status) == (SIGTRAP | 0x80) && call_state(held->pid)) taken.push_back(now - entered);
        if (at_entry && !call_state(held->pid)) continue;
        entered = clock.now();
        resume(held->pid, at_entry ? Resume::to_next_stop : Resume::run);
    }
    if (taken.empty()) return Nanos(0);
    std::ranges::nth_element(taken, taken.begin() + static_cast<std::ptrdiff_t>(taken.size() / 2));
    return taken[taken.size() / 2];
}

}  // namespace autotune::ptrace
