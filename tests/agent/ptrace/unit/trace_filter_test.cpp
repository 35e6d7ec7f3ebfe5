// What the filter answers, by running it as the kernel would.
#include "agent/ptrace/trace_filter.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/audit.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <cstring>

namespace autotune::ptrace {
namespace {

std::uint32_t run(const std::vector<sock_filter>& code, const seccomp_data& data) {
    std::uint32_t a = 0;
    for (std::size_t at = 0; at < code.size(); ++at) {
        const sock_filter& i = code[at];
        switch (i.code) {
            case BPF_LD | BPF_W | BPF_ABS: std::memcpy(&a, reinterpret_cast<const char*>(&data) + i.k, 4); break;
            case BPF_ALU | BPF_AND | BPF_K: a &= i.k; break;
            case BPF_JMP | BPF_JA: at += i.k; break;
            case BPF_JMP | BPF_JEQ | BPF_K: at += a == i.k ? i.jt : i.jf; break;
            case BPF_JMP | BPF_JGE | BPF_K: at += a >= i.k ? i.jt : i.jf; break;
            case BPF_RET | BPF_K: return i.k;
            default: ADD_FAILURE() << "an instruction that is not ours: " << i.code; return 0;
        }
    }
    ADD_FAILURE() << "it ran past its end";
    return 0;
}

bool stops(const Detail& detail, int number, std::vector<std::uint64_t> arguments = {},
           std::uint32_t architecture = native_architecture()) {
    seccomp_data data{.nr = number, .arch = architecture, .instruction_pointer = 0, .args = {}};
    std::copy(arguments.begin(), arguments.end(), data.args);
    const std::uint32_t answer = run(trace_filter(WantedCalls(detail)), data);
    EXPECT_TRUE(answer == SECCOMP_RET_TRACE || answer == SECCOMP_RET_ALLOW);
    return answer == SECCOMP_RET_TRACE;
}

TEST(TraceFilter, StopsAtInputAndOutputAndAtNothingElse) {
    EXPECT_TRUE(stops({}, SYS_read));
    EXPECT_TRUE(stops({}, SYS_openat));
    EXPECT_TRUE(stops({}, SYS_renameat2));
    EXPECT_TRUE(stops({}, SYS_execve));
    EXPECT_FALSE(stops({}, SYS_getpid));
    EXPECT_FALSE(stops({}, SYS_brk));
    EXPECT_FALSE(stops({}, SYS_futex, {0, FUTEX_WAIT}));
    EXPECT_FALSE(stops({}, SYS_clock_nanosleep));
}

TEST(TraceFilter, AsksForTheArgumentThatDecides) {
    EXPECT_TRUE(stops({}, SYS_fcntl, {3, F_DUPFD_CLOEXEC}));
    EXPECT_FALSE(stops({}, SYS_fcntl, {3, F_GETFL}));
    EXPECT_TRUE(stops({}, SYS_mmap, {0, 4096, PROT_READ, MAP_PRIVATE, 3}));
    EXPECT_FALSE(stops({}, SYS_mmap, {0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS}));
    EXPECT_TRUE(stops({}, SYS_ppoll, {0, 1}));
    EXPECT_FALSE(stops({}, SYS_ppoll, {0, 2}));
    EXPECT_TRUE(stops({}, SYS_clone, {0x00800000}));
    EXPECT_FALSE(stops({}, SYS_clone, {0x00000100}));
}

TEST(TraceFilter, OnlyTheLowHalfOfAnArgumentCounts) {
    EXPECT_TRUE(stops({}, SYS_fcntl, {3, (std::uint64_t{7} << 32) | F_DUPFD}));
}

TEST(TraceFilter, StopsAtWaitsWhereTheyAreAskedFor) {
    const Detail waits{.waits = true};
    EXPECT_TRUE(stops(waits, SYS_futex, {0, FUTEX_WAIT | FUTEX_PRIVATE_FLAG}));
    EXPECT_FALSE(stops(waits, SYS_futex, {0, FUTEX_WAKE | FUTEX_PRIVATE_FLAG}));
    EXPECT_TRUE(stops(waits, SYS_clock_nanosleep));
    EXPECT_TRUE(stops(waits, SYS_wait4));
    EXPECT_TRUE(stops(waits, SYS_ppoll, {0, 2}));
    EXPECT_TRUE(stops(waits, SYS_epoll_pwait));
    EXPECT_TRUE(stops(waits, SYS_fcntl, {3, F_SETLKW}));
}

TEST(TraceFilter, StopsAtEveryCallWhereAllAreCounted) {
    EXPECT_TRUE(stops({.syscalls = SyscallDetail::counted}, SYS_getpid));
    EXPECT_TRUE(stops({.syscalls = SyscallDetail::each}, SYS_fcntl, {3, F_GETFL}));
}

TEST(TraceFilter, WithoutInputAndOutputStopsWhereInvocationsAreHeard) {
    const Detail quiet{.io = false};
    EXPECT_TRUE(stops(quiet, SYS_sendto));
    EXPECT_TRUE(stops(quiet, SYS_read));
    EXPECT_TRUE(stops(quiet, SYS_close));
    EXPECT_FALSE(stops(quiet, SYS_openat));
    EXPECT_FALSE(stops(quiet, SYS_fsync));
}

TEST(TraceFilter, StopsAtCallsOfAnotherAbiToCountThem) {
    EXPECT_TRUE(stops({}, SYS_getpid, {}, AUDIT_ARCH_I386));
#if defined(__x86_64__)
    EXPECT_TRUE(stops({}, 0x40000000 | SYS_getpid));
#endif
}

}  // namespace
}  // namespace autotune::ptrace
