#include "agent/ptrace/wanted_calls.hpp"

#include <fcntl.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "agent/bpf/syscall_table.hpp"

namespace autotune::ptrace {
namespace {

// Descriptors that are duplicated; locks, where waits are told.
ArgumentTest fcntl_test(const Detail& detail) {
    ArgumentTest test{.argument = 1, .values = {F_DUPFD, F_DUPFD_CLOEXEC}};
    if (detail.waits) test.values.insert(test.values.end(), {F_SETLKW, F_OFD_SETLKW});
    return test;
}

// The operations that sleep, not those that wake.
ArgumentTest futex_waits() {
    return {.argument = 1,
            .mask = static_cast<std::uint32_t>(FUTEX_CMD_MASK),
            .values = {FUTEX_WAIT, FUTEX_LOCK_PI, FUTEX_WAIT_BITSET, FUTEX_WAIT_REQUEUE_PI, 13 /* LOCK_PI2 */}};
}

std::optional<ArgumentTest> test_of(std::uint32_t number, std::uint32_t call, const Detail& detail) {
    if (call == AT_CALL_FCNTL) return fcntl_test(detail);
    if (call == AT_CALL_MMAP) return ArgumentTest{.argument = 3, .mask = MAP_ANONYMOUS, .values = {0}};
    // Without waits only the poll of one descriptor is told, as a part of the receive after it.
    if (call == AT_CALL_POLL && !detail.waits) return ArgumentTest{.argument = 1, .values = {1}};
    if (number == SYS_futex) return futex_waits();
    return std::nullopt;
}

// Calls that only wait. Those that do something, too, are told for that.
bool only_waits(std::uint32_t call, std::uint32_t wait) {
    if (at_waits(call)) return true;
    return wait == AT_WAIT_LOCK || wait == AT_WAIT_SLEEP || wait == AT_WAIT_CHILD || wait == AT_WAIT_FCNTL;
}

// Needed also where no I/O is told: invocations are heard in it.
bool carries_conversations(std::uint32_t call) {
    switch (call) {
        case AT_CALL_CLOSE:
        case AT_CALL_CLOSE_RANGE:
        case AT_CALL_DUP:
        case AT_CALL_FCNTL: return true;
        default: return at_sends(call) || at_receives(call);
    }
}

}  // namespace

WantedCalls::WantedCalls(const Detail& detail) : every_call_(detail.syscalls != SyscallDetail::none) {
    add({.number = SYS_execve, .kind = CallKind::execute});
    add({.number = SYS_execveat, .kind = CallKind::execute});
    add({.number = SYS_clone,
         .kind = CallKind::clone_flags,
         .only_if = ArgumentTest{.argument = 0, .mask = CLONE_UNTRACED, .values = {CLONE_UNTRACED}}});
    add({.number = SYS_clone3, .kind = CallKind::clone3});
    const auto calls = syscall_table();
    const auto waits = wait_table();
    for (std::uint32_t number = 0; number < calls.size(); ++number) {
        const std::uint8_t call = calls[number];
        const bool is_wait = detail.waits && only_waits(call, waits[number]);
        const bool is_io = call != AT_CALL_NONE && call != AT_CALL_SELECT && call != AT_CALL_EPOLL_WAIT &&
                           (detail.io || carries_conversations(call));
        if (!is_io && !is_wait) continue;
        add({.number = number,
             .kind = is_io ? CallKind::io : CallKind::wait,
             .call = call,
             .wait = waits[number],
             .is_wait = is_wait,
             .only_if = test_of(number, call, detail)});
    }
    if (detail.io)
        add({.number = SYS_getsockopt,
             .kind = CallKind::socket_error,
             .only_if = ArgumentTest{.argument = 2, .values = {SO_ERROR}}});
    if (!detail.waits) return;
    for (const std::uint32_t number : {SYS_rt_sigsuspend, SYS_rt_sigtimedwait})
        add({.number = number, .kind = CallKind::wait, .is_wait = true});
}

void WantedCalls::add(WantedCall call) {
    index_[call.number] = static_cast<std::uint8_t>(calls_.size() + 1);
    calls_.push_back(std::move(call));
}

bool passes(const ArgumentTest& test, const std::uint64_t* arguments) {
    const auto value = static_cast<std::uint32_t>(arguments[test.argument]) & test.mask;
    return std::ranges::find(test.values, value) != test.values.end();
}

}  // namespace autotune::ptrace
