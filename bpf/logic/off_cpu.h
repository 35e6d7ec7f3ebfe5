/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Where a thread's time goes. Pure; kernel and host.
 *
 * A ledger is settled at each switch away from the thread, and whenever somebody asks. Between two settlements
 * the kernel's own sums say how long the thread ran and how long it waited for a CPU; what remains of the wall
 * clock it slept, in the wait it went into at the earlier one. So on-CPU and off-CPU time make up the wall clock
 * whatever was seen; a switch that passed by unseen (docs/decisions/0004) shows in the kernel's count of sleeps,
 * and what was slept around it is of unknown cause.
 */
#ifndef AUTOTUNE_BPF_LOGIC_OFF_CPU_H
#define AUTOTUNE_BPF_LOGIC_OFF_CPU_H

#include "bpf/wire.h"

/* What a system call waits for, by its number (agent/bpf/syscall_table.cpp). */
enum at_wait_kind {
    AT_WAIT_UNKNOWN = 0,
    AT_WAIT_FILE,   /* what its first argument is */
    AT_WAIT_PEER,   /* sockets, whatever the state */
    AT_WAIT_POLL,   /* (…, count, …): descriptors; none of them: sleep */
    AT_WAIT_SELECT, /* (count, …): the same */
    AT_WAIT_LOCK,
    AT_WAIT_SLEEP,
    AT_WAIT_CHILD,
    AT_WAIT_DISK,  /* names and directories */
    AT_WAIT_FCNTL, /* its locks */
};

static inline enum at_cause at_cause_of_file(unsigned short mode) {
    switch (mode & 0170000) {
        case 0140000:                             /* socket */
        case 0010000:                             /* pipe */
        case 0020000: return AT_CAUSE_NETWORK;    /* terminal */
        case 0100000:                             /* regular file */
        case 0060000:                             /* block device */
        case 0040000: return AT_CAUSE_DISK;       /* directory */
        default: return AT_CAUSE_UNKNOWN;         /* of no kind: event, timer and signal descriptors */
    }
}

/* `mode`: of the file that is the first argument; 0 when it is none. */
static inline enum at_cause at_cause_of(unsigned wait, __u64 first, __u64 second, unsigned short mode) {
    switch (wait) {
        case AT_WAIT_FILE: return at_cause_of_file(mode);
        case AT_WAIT_PEER: return AT_CAUSE_NETWORK;
        case AT_WAIT_POLL: return second ? AT_CAUSE_NETWORK : AT_CAUSE_SLEEP;
        case AT_WAIT_SELECT: return first ? AT_CAUSE_NETWORK : AT_CAUSE_SLEEP;
        case AT_WAIT_LOCK: return AT_CAUSE_LOCK;
        case AT_WAIT_SLEEP: return AT_CAUSE_SLEEP;
        case AT_WAIT_CHILD: return AT_CAUSE_CHILD;
        case AT_WAIT_DISK: return AT_CAUSE_DISK;
        case AT_WAIT_FCNTL: /* F_SETLKW, F_OFD_SETLKW */
            return second == 7 || second == 38 ? AT_CAUSE_LOCK : AT_CAUSE_UNKNOWN;
        default: return AT_CAUSE_UNKNOWN;
    }
}

/* What the kernel says of a thread at one instant. */
struct at_account {
    __u64 at_ns;
    __u64 cpu_ns;
    __u64 runnable_ns;
    __u64 sleeps; /* voluntary switches */
};

struct at_ledger {
    struct at_account first;
    struct at_account last; /* as of the last settlement */
    __u64 blocked[AT_CAUSES]; /* slept, by cause; nothing at AT_CAUSE_RUN_QUEUE: that is the kernel's sum */
    __s64 owed;             /* the clocks disagreed by so much less than nothing */
    __u32 cause;            /* of the sleep that the last settlement saw begin; AT_AWAKE: of none */
    __u32 reserved;
};
#define AT_AWAKE 0xffu

/* Since the last settlement. */
struct at_interval {
    __u64 cpu_ns;
    __u64 runnable_ns;
    __u64 blocked_ns;
    __u32 cause; /* of what was blocked */
    __u32 reserved;
};

static inline void at_open_ledger(struct at_ledger* ledger, const struct at_account* now) {
    ledger->first = ledger->last = *now;
    ledger->cause = AT_AWAKE;
}

/* `begins`: the thread goes to sleep right now, which now->sleeps has counted already. */
static inline void at_measure(const struct at_ledger* ledger, const struct at_account* now, int begins,
                              struct at_interval* interval) {
    const struct at_account* last = &ledger->last;
    interval->cpu_ns = now->cpu_ns > last->cpu_ns ? now->cpu_ns - last->cpu_ns : 0;
    interval->runnable_ns = now->runnable_ns > last->runnable_ns ? now->runnable_ns - last->runnable_ns : 0;
    const __s64 rest = (__s64)(now->at_ns - last->at_ns) - (__s64)(now->cpu_ns - last->cpu_ns) -
                       (__s64)(now->runnable_ns - last->runnable_ns) + ledger->owed;
    interval->blocked_ns = rest > 0 ? rest : 0;
    const __u64 unseen = now->sleeps - last->sleeps - (begins ? 1 : 0);
    interval->cause = ledger->cause != AT_AWAKE && unseen == 0 ? ledger->cause : (__u32)AT_CAUSE_UNKNOWN;
    interval->reserved = 0;
}

/* `cause`: of the sleep that begins right now; AT_AWAKE: none does. */
static inline void at_settle_ledger(struct at_ledger* ledger, const struct at_account* now, __u32 cause,
                                    struct at_interval* interval) {
    at_measure(ledger, now, cause != AT_AWAKE, interval);
    const __s64 rest = (__s64)(now->at_ns - ledger->last.at_ns) - (__s64)(now->cpu_ns - ledger->last.cpu_ns) -
                       (__s64)(now->runnable_ns - ledger->last.runnable_ns) + ledger->owed;
    ledger->owed = rest < 0 ? rest : 0;
    ledger->blocked[interval->cause & (AT_CAUSES - 1)] += interval->blocked_ns;
    ledger->last = *now;
    ledger->cause = cause;
}

/* `queued`: it waits for a CPU since the last settlement at the latest. wall = on CPU + all of off[]. */
static inline void at_read_ledger(const struct at_ledger* ledger, const struct at_account* now, int queued,
                                  struct at_times* times) {
    struct at_interval rest;
    at_measure(ledger, now, 0, &rest);
    times->wall_ns = now->at_ns - ledger->first.at_ns;
    __u64 off = 0;
    for (int cause = 0; cause < AT_CAUSES; ++cause) times->off_ns[cause] = ledger->blocked[cause];
    times->off_ns[AT_CAUSE_RUN_QUEUE] = now->runnable_ns - ledger->first.runnable_ns;
    if (queued && ledger->cause == AT_AWAKE)
        times->off_ns[AT_CAUSE_RUN_QUEUE] += rest.blocked_ns;
    else
        times->off_ns[rest.cause & (AT_CAUSES - 1)] += rest.blocked_ns;
    for (int cause = 0; cause < AT_CAUSES; ++cause) off += times->off_ns[cause];
    if (times->wall_ns < off) times->wall_ns = off; /* the clocks differ by a little */
    times->on_cpu_ns = times->wall_ns - off;
}

#endif
