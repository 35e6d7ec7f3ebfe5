#include "agent/ptrace/remote.hpp"

#include <elf.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>

#include <algorithm>
#include <cstring>

#include "agent/ptrace/trace_filter.hpp"

namespace autotune::ptrace {
namespace {

constexpr std::size_t kPage = 4096;  // the smallest there is: a read up to its end is whole or fails

}  // namespace

void resume(pid_t tid, Resume how, int signal) {
    const auto request = how == Resume::run      ? PTRACE_CONT
                         : how == Resume::listen ? PTRACE_LISTEN
                                                 : PTRACE_SYSCALL;
    ::ptrace(request, tid, nullptr, signal);
}

std::optional<CallState> call_state(pid_t tid) {
    __ptrace_syscall_info info{};
    if (::ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof info, &info) <= 0) return std::nullopt;
    CallState state;
    switch (info.op) {
        case PTRACE_SYSCALL_INFO_EXIT:
            state.stop = CallStop::exit;
            state.result = info.exit.rval;
            break;
        case PTRACE_SYSCALL_INFO_ENTRY:
        case PTRACE_SYSCALL_INFO_SECCOMP:  // `entry` and `seccomp` begin alike
            state.stop = CallStop::entry;
            state.is_native = info.arch == native_architecture() && info.entry.nr < AT_SYSCALL_NUMBERS;
            state.number = info.entry.nr;
            std::copy_n(info.entry.args, 6, state.arguments);
            break;
        default: break;
    }
    return state;
}

std::optional<unsigned long> event_message(pid_t tid) {
    unsigned long message = 0;
    if (::ptrace(PTRACE_GETEVENTMSG, tid, nullptr, &message) != 0) return std::nullopt;
    return message;
}

std::size_t read_memory(pid_t pid, std::uint64_t address, std::span<std::byte> to) {
    const iovec here{to.data(), to.size()};
    const iovec there{reinterpret_cast<void*>(address), to.size()};  // NOLINT: an address over there
    const ssize_t got = process_vm_readv(pid, &here, 1, &there, 1, 0);
    return got < 0 ? 0 : static_cast<std::size_t>(got);
}

bool write_memory(pid_t pid, std::uint64_t address, std::span<const std::byte> from) {
    const iovec here{const_cast<std::byte*>(from.data()), from.size()};
    const iovec there{reinterpret_cast<void*>(address), from.size()};  // NOLINT: an address over there
    return process_vm_writev(pid, &here, 1, &there, 1, 0) == static_cast<ssize_t>(from.size());
}

std::optional<std::string> read_text(pid_t pid, std::uint64_t address, std::size_t capacity) {
    std::string text(capacity, '\0');
    std::size_t have = 0;
    while (have < capacity) {
        const std::size_t to_page_end = kPage - (address + have) % kPage;
        const std::size_t want = std::min(to_page_end, capacity - have);
        const std::size_t got =
            read_memory(pid, address + have, std::as_writable_bytes(std::span(text.data() + have, want)));
        const std::size_t length = strnlen(text.data() + have, got);
        have += length;
        if (length < want) {
            if (length == got && have == 0) return std::nullopt;
            break;
        }
    }
    text.resize(have);
    return text;
}

bool set_first_argument(pid_t tid, std::uint64_t value) {
    user_regs_struct registers{};
    iovec all{&registers, sizeof registers};
    if (::ptrace(PTRACE_GETREGSET, tid, NT_PRSTATUS, &all) != 0) return false;
#if defined(__x86_64__)
    registers.rdi = value;
#else
    registers.regs[0] = value;
#endif
    return ::ptrace(PTRACE_SETREGSET, tid, NT_PRSTATUS, &all) == 0;
}

}  // namespace autotune::ptrace
