/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Where a thread's wall clock went, by stack. Pure; kernel and host.
 *
 * Settled when the thread leaves a CPU, when it comes back, and when somebody asks. The time off the CPU between two
 * settlements is the wall clock less the kernel's own sum of CPU time, so that on and off make up the wall clock
 * whatever was seen. It is the stack's at which the thread left. A switch that passed by unseen (docs/decisions/0004)
 * shows in the kernel's count of switches: then nobody knows at which stack it left, and the time is of no stack.
 */
#ifndef AUTOTUNE_BPF_LOGIC_STACK_LEDGER_H
#define AUTOTUNE_BPF_LOGIC_STACK_LEDGER_H

#include "bpf/sampler_wire.h"

#define AT_LONGEST_TICK_NS 10000000ll /* the kernel's sum is brought up to date at least so often: HZ=100 */
#define AT_MOST_TAKEN_NS 1000000ll    /* so much is kept before it is told */

/* What clock and kernel say of a thread at one instant. */
struct at_reading {
    __u64 at_ns;
    __u64 cpu_ns;   /* sum_exec_runtime */
    __u64 switches; /* voluntary and not */
};

struct at_stack_ledger {
    struct at_reading last;
    __u64 stack;      /* at which it left, when it is off the CPU */
    __u64 sampled_ns; /* of cpu_ns: what samples have told */
    __s64 taken_ns;   /* on the CPU by what was seen, not by the kernel's sum: interrupts, the hypervisor; below 0: by its sum only */
    __u32 is_on;
    __u32 reserved;
};

enum at_motion { AT_LEAVES, AT_COMES, AT_ASKED };

/* To be told: so much of the thread's time off the CPU. */
struct at_span {
    __u64 ns;
    __u64 stack;
};

static inline void at_open_stack_ledger(struct at_stack_ledger* ledger, const struct at_reading* now, __u32 is_on,
                                        __u64 stack) {
    ledger->last = *now;
    ledger->stack = stack;
    ledger->sampled_ns = now->cpu_ns;
    ledger->taken_ns = 0;
    ledger->is_on = is_on;
}

/* The kernel's sum is as of the last tick while the thread runs; in between, the clock says. */
static inline __u64 at_cpu_so_far(const struct at_stack_ledger* ledger, const struct at_reading* now) {
    if (!ledger->is_on || now->switches != ledger->last.switches) return now->cpu_ns;
    const __u64 clock = ledger->last.cpu_ns + (now->at_ns - ledger->last.at_ns);
    if (clock < now->cpu_ns) return now->cpu_ns;
    return clock < now->cpu_ns + AT_LONGEST_TICK_NS ? clock : now->cpu_ns + AT_LONGEST_TICK_NS;
}

/*
 * Time off the CPU, less what the kernel's sum is ahead of the clock (taken_ns is below 0 then): the sum begins and ends with
 * the switch itself, which is heard of a little later. A third of a microsecond a switch, it adds up to one to five in a
 * hundred where threads change hands all the time.
 */
static inline __u64 at_less_owed(struct at_stack_ledger* ledger, __s64 off) {
    if (ledger->taken_ns < 0) {
        off += ledger->taken_ns;
        ledger->taken_ns = 0;
    }
    if (off >= 0) return off;
    ledger->taken_ns += off;
    return 0;
}

/* `stack`: at which it leaves. `now->switches` counts the one under way. */
static inline void at_settle_stack(struct at_stack_ledger* ledger, const struct at_reading* now, enum at_motion motion,
                                   __u64 stack, struct at_span* span) {
    const __u64 unseen = now->switches - ledger->last.switches - (motion == AT_LEAVES ? 1 : 0);
    const __s64 off = (__s64)(now->at_ns - ledger->last.at_ns) - (__s64)(now->cpu_ns - ledger->last.cpu_ns);
    span->ns = 0;
    span->stack = unseen ? (__u64)AT_STACK_UNSEEN : ledger->stack;
    if (ledger->is_on && !unseen)
        ledger->taken_ns += off; /* it never left */
    else
        span->ns = at_less_owed(ledger, off);
    ledger->last = *now;
    if (motion != AT_ASKED) ledger->is_on = motion == AT_COMES;
    if (motion == AT_LEAVES) ledger->stack = stack;
}

/* What interrupts and the hypervisor took of it; told now and then, and at the end (`all`). */
static inline void at_take_taken(struct at_stack_ledger* ledger, int all, struct at_span* span) {
    span->ns = 0;
    span->stack = AT_STACK_TAKEN;
    if (ledger->taken_ns <= (all ? 0 : AT_MOST_TAKEN_NS)) return;
    span->ns = ledger->taken_ns;
    ledger->taken_ns = 0;
}

/* CPU time since the last sample, which this sample stands for. */
static inline __u64 at_take_sampled(struct at_stack_ledger* ledger, __u64 cpu_ns) {
    const __u64 ns = cpu_ns > ledger->sampled_ns ? cpu_ns - ledger->sampled_ns : 0;
    ledger->sampled_ns += ns;
    return ns;
}

#endif
