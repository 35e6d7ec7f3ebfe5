#include "agent/inject/stopped_thread.hpp"

#include <elf.h>
#include <linux/futex.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

namespace autotune::inject {
namespace {

constexpr std::size_t kStackBytes = 512u << 10;
constexpr std::size_t kTextBytes = 16u << 10;  // at its low end
constexpr int kRounds = 1500;                  // a millisecond each

// Waits that malloc and the dynamic linker never make: they wait by a plain FUTEX_WAIT.
bool is_harmless_wait(const user_regs_struct& at) {
    constexpr std::array kWaits = {SYS_read,          SYS_readv,        SYS_poll,        SYS_ppoll,
                                   SYS_select,        SYS_pselect6,     SYS_epoll_wait,  SYS_epoll_pwait,
                                   SYS_accept,        SYS_accept4,      SYS_recvfrom,    SYS_recvmsg,
                                   SYS_nanosleep,     SYS_wait4,        SYS_waitid,      SYS_clock_nanosleep,
                                   SYS_rt_sigsuspend, SYS_pause,        SYS_connect,     SYS_rt_sigtimedwait};
    const long number = static_cast<long>(at.orig_rax);
    if (number == SYS_futex) return (at.rsi & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET;
    return std::find(kWaits.begin(), kWaits.end(), number) != kWaits.end();
}

bool may_call(const Target& target, const user_regs_struct& at) {
    return static_cast<long>(at.orig_rax) >= 0 ? is_harmless_wait(at) : target.is_interpreter(at.rip);
}

std::vector<pid_t> threads_of(pid_t pid) {
    std::vector<pid_t> tids;
    std::error_code error;
    std::filesystem::directory_iterator it("/proc/" + std::to_string(pid) + "/task", error), last;
    for (; !error && it != last; it.increment(error))
        tids.push_back(static_cast<pid_t>(std::atoi(it->path().filename().c_str())));
    return tids;
}

// ptrace(2) takes all as pointers.
long trace(long request, pid_t tid, std::uint64_t address = 0, const void* data = nullptr) {
    return ::ptrace(static_cast<__ptrace_request>(request), tid, reinterpret_cast<void*>(address),
                    const_cast<void*>(data));
}

enum class Stop { stopped, group_stop, other, gone };

// The next stop of the thread: by our interrupt, or by another cause that `status` tells.
Stop wait_for_stop(pid_t tid, int& status) {
    pid_t got = 0;
    do got = ::waitpid(tid, &status, __WALL);
    while (got < 0 && errno == EINTR);
    if (got != tid || !WIFSTOPPED(status)) return Stop::gone;
    if (status >> 16 != PTRACE_EVENT_STOP) return Stop::other;
    return WSTOPSIG(status) == SIGTRAP ? Stop::stopped : Stop::group_stop;
}

// Stopped by an interrupt of ours. Signals that arrive before are the program's.
Stop interrupt(pid_t tid) {
    if (trace(PTRACE_INTERRUPT, tid) != 0) return Stop::gone;
    int status = 0;
    for (;;) {
        const Stop stop = wait_for_stop(tid, status);
        if (stop != Stop::other) return stop;
        const auto signal = static_cast<std::uintptr_t>(WSTOPSIG(status));
        if (trace(PTRACE_CONT, tid, 0, reinterpret_cast<const void*>(signal)) != 0) return Stop::gone;
    }
}

void pause_a_millisecond() {
    const timespec pause{.tv_sec = 0, .tv_nsec = 1'000'000};
    ::nanosleep(&pause, nullptr);
}

}  // namespace

struct StoppedThread::State {
    const Target* target = nullptr;
    pid_t tid = 0;
    bool gone = false;
    user_regs_struct registers{};
    std::vector<char> vectors = std::vector<char>(16384);  // all that XSAVE keeps
    sigset_t mask{};
    int error_number = 0;
    std::uint64_t error_address = 0;
    std::uint64_t stack = 0;
    std::uint64_t text_used = 0;
};

StoppedThread::StoppedThread(std::unique_ptr<State> state) : state_(std::move(state)) {}
StoppedThread::StoppedThread(StoppedThread&&) noexcept = default;

Result<StoppedThread> StoppedThread::of(const Target& target) {
    const std::string name = "process " + std::to_string(target.pid());
    for (int round = 0; round < kRounds; ++round) {
        bool any = false;
        for (const pid_t tid : threads_of(target.pid())) {
            if (trace(PTRACE_SEIZE, tid) != 0) {
                if (errno == ESRCH) continue;
                return fail(Errc::permission_denied, name + ": the kernel refuses to trace it (" +
                                                         std::strerror(errno) + ")");
            }
            any = true;
            auto state = std::make_unique<State>();
            state->target = &target;
            state->tid = tid;
            const Stop stop = interrupt(tid);
            if (stop == Stop::gone) continue;
            iovec place{&state->registers, sizeof state->registers};
            const bool known = trace(PTRACE_GETREGSET, tid, NT_PRSTATUS, &place) == 0;
            if (stop == Stop::stopped && known && may_call(target, state->registers)) {
                StoppedThread thread(std::move(state));
                if (auto ready = thread.prepare(); !ready) return ready.forward();
                return thread;
            }
            trace(PTRACE_DETACH, tid);
            if (stop == Stop::group_stop) return fail(Errc::conflict, name + " is stopped");
        }
        if (!any) return fail(Errc::not_found, name + " has ended");
        pause_a_millisecond();
    }
    return fail(Errc::timed_out, name + " has come to no place where a library can be loaded");
}

// Until here nothing was changed.
Status StoppedThread::prepare() {
    State& s = *state_;
    iovec vectors{s.vectors.data(), s.vectors.size()};
    const bool kept = trace(PTRACE_GETREGSET, s.tid, NT_X86_XSTATE, &vectors) == 0 &&
                      trace(PTRACE_GETSIGMASK, s.tid, sizeof(std::uint64_t), &s.mask) == 0;
    if (!kept) {
        const Error error = errno_error("reading a thread's registers", errno);
        trace(PTRACE_DETACH, s.tid);
        s.gone = true;
        return unexpected(error);
    }
    s.vectors.resize(vectors.iov_len);
    const std::uint64_t all_but_segv = ~(1ull << (SIGSEGV - 1));
    trace(PTRACE_SETSIGMASK, s.tid, sizeof all_but_segv, &all_but_segv);
    const auto location = call(s.target->error_number, {});
    if (!location) return location.forward();
    s.error_address = *location;
    if (auto read = s.target->read(s.error_address, &s.error_number, sizeof s.error_number); !read) return read;
    const auto stack = call(s.target->map_memory, {0, kStackBytes, PROT_READ | PROT_WRITE,
                                                   MAP_PRIVATE | MAP_ANONYMOUS, ~0ull, 0});
    if (!stack) return stack.forward();
    if (*stack == ~0ull) return fail(Errc::resource_exhausted, "the process gets no memory");
    s.stack = *stack;
    return ok();
}

Result<std::uint64_t> StoppedThread::call(std::uint64_t function, const std::vector<std::uint64_t>& arguments) {
    State& s = *state_;
    user_regs_struct r = s.registers;
    // Beyond the red zone; below what a function may take for further arguments.
    const std::uint64_t top = s.stack != 0 ? s.stack + kStackBytes - 256 : s.registers.rsp - 256;
    r.rsp = (top & ~15ull) - 8;
    const std::uint64_t nowhere = 0;
    if (auto written = s.target->write(r.rsp, &nowhere, sizeof nowhere); !written) return written.forward();
    const std::array places = {&r.rdi, &r.rsi, &r.rdx, &r.rcx, &r.r8, &r.r9};
    for (std::size_t i = 0; i < arguments.size() && i < places.size(); ++i) *places[i] = arguments[i];
    r.rip = function;
    r.rax = 0;
    r.orig_rax = ~0ull;  // no system call is to be gone on with
    r.eflags &= ~0x400ull;
    iovec place{&r, sizeof r};
    if (trace(PTRACE_SETREGSET, s.tid, NT_PRSTATUS, &place) != 0)
        return unexpected(errno_error("setting a thread's registers", errno));
    for (std::uintptr_t signal = 0;;) {
        int status = 0;
        if (trace(PTRACE_CONT, s.tid, 0, reinterpret_cast<const void*>(signal)) != 0 ||
            wait_for_stop(s.tid, status) == Stop::gone) {
            s.gone = true;
            return fail(Errc::not_found, "the process has ended meanwhile");
        }
        signal = 0;
        if (status >> 16 != 0) continue;  // a stop that is none of a signal
        if (WSTOPSIG(status) == SIGSEGV) break;
        signal = static_cast<std::uintptr_t>(WSTOPSIG(status));
    }
    iovec after{&r, sizeof r};
    if (trace(PTRACE_GETREGSET, s.tid, NT_PRSTATUS, &after) != 0)
        return unexpected(errno_error("reading a thread's registers", errno));
    if (r.rip != 0) return fail(Errc::internal, "what was called in the process crashed");
    return r.rax;
}

Result<std::uint64_t> StoppedThread::put(const std::string& text) {
    State& s = *state_;
    if (s.text_used + text.size() + 1 > kTextBytes) return fail(Errc::invalid_argument, "too long a text");
    const std::uint64_t at = s.stack + s.text_used;
    if (auto written = s.target->write(at, text.c_str(), text.size() + 1); !written) return written.forward();
    s.text_used += text.size() + 1;
    return at;
}

StoppedThread::~StoppedThread() {
    if (state_ == nullptr || state_->gone) return;
    State& s = *state_;
    if (s.stack != 0) {
        const std::uint64_t stack = std::exchange(s.stack, 0);  // not on what it gives back
        (void)call(s.target->system_call, {static_cast<std::uint64_t>(SYS_munmap), stack, kStackBytes});
    }
    if (s.gone) return;
    if (s.error_address != 0) (void)s.target->write(s.error_address, &s.error_number, sizeof s.error_number);
    iovec registers{&s.registers, sizeof s.registers}, vectors{s.vectors.data(), s.vectors.size()};
    trace(PTRACE_SETREGSET, s.tid, NT_X86_XSTATE, &vectors);
    trace(PTRACE_SETREGSET, s.tid, NT_PRSTATUS, &registers);
    trace(PTRACE_SETSIGMASK, s.tid, sizeof(std::uint64_t), &s.mask);
    trace(PTRACE_DETACH, s.tid);
}

}  // namespace autotune::inject
