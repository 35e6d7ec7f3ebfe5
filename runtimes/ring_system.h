/* ring_system.h: system calls and clocks as probes may use them: no errno, no libc, no vector registers.
 *
 * A probe runs in the midst of another program, perhaps in a signal's handler with that program's locks held:
 * whatever it calls must not allocate, lock or change what the program sees. */
#pragma once

#include <linux/types.h>
#include <sys/syscall.h>
#include <time.h>

#include "runtimes/ring.h"

#if !defined(__x86_64__) && !defined(__aarch64__)
#error "the ring is written on x86-64 and arm64"
#endif

#define AT_COLD static __attribute__((noinline, cold, unused))
#define AT_UNLIKELY(x) __builtin_expect(!!(x), 0)
/* Against the compiler, for what a signal's handler on this thread must see in order. */
#define AT_BARRIER() __asm__ volatile("" ::: "memory")

/* The kernel's answer: -errno when it failed. */
static inline long at_syscall(long number, long a, long b, long c, long d, long e, long f) {
#if defined(__x86_64__)
    long result;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
#else
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
    return x0;
#endif
}

/* The processor's counter that runs at one rate in all states and on all CPUs. */
static inline __u64 at_counter(void) {
#if defined(__x86_64__)
    __u32 low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (__u64)high << 32 | low;
#else
    __u64 ticks;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
    return ticks;
#endif
}

/* By the vdso: no system call where the counter is good, and right where it is not. */
static inline __u64 at_monotonic_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (__u64)now.tv_sec * 1000000000u + (__u64)now.tv_nsec;
}

/* Whether the kernel itself tells the time by the counter. Where it does not say (no /sys in a container) the
 * processor's own word counts: "invariant TSC". */
AT_COLD int at_counter_is_steady(void) {
#if defined(__x86_64__)
    char name[8] = {0};
    const long at_cwd = -100;
    const long fd = at_syscall(SYS_openat, at_cwd,
                               (long)AT_OWN_READS "/root/sys/devices/system/clocksource/clocksource0/current_clocksource",
                               02000000 /* O_RDONLY | O_CLOEXEC */, 0, 0, 0);
    if (fd >= 0) {
        const long got = at_syscall(SYS_read, fd, (long)name, sizeof name - 1, 0, 0, 0);
        at_syscall(SYS_close, fd, 0, 0, 0, 0, 0);
        if (got > 0) return name[0] == 't' && name[1] == 's' && name[2] == 'c';
    }
    __u32 a = 0x80000000u, b, c = 0, d;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    if (a < 0x80000007u) return 0;
    a = 0x80000007u;
    c = 0;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    return (d >> 8) & 1;
#else
    return 1;
#endif
}

/* Zeroed private memory; null when there is none. */
static inline void *at_pages(__u64 bytes) {
    const long at = at_syscall(SYS_mmap, 0, (long)bytes, 3 /* read, write */, 0x22 /* private, anonymous */, -1, 0);
    return at < 0 && at > -4096 ? 0 : (void *)at;
}

/* A lock for the rare paths. Its holder does not run code of the program; see the users for signals. */
static inline void at_lock(__u32 *lock) {
    while (__atomic_exchange_n(lock, 1u, __ATOMIC_ACQUIRE) != 0)
        at_syscall(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
}
static inline void at_unlock(__u32 *lock) { __atomic_store_n(lock, 0u, __ATOMIC_RELEASE); }
