/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The calls that a thread is in, and what a call took when it is over. Pure: for the kernel side and for tests
 * on the host. A call is known by the stack pointer at its entry, where its return address is: stacks grow
 * downwards, so an entry or a return at a higher stack pointer than a call's means that the call is gone,
 * whatever made it so (longjmp, an exception, a missed return).
 */
#ifndef AUTOTUNE_BPF_LOGIC_CALL_STACK_H
#define AUTOTUNE_BPF_LOGIC_CALL_STACK_H

#include <linux/types.h>

enum at_call_stack_limits {
    AT_CALL_DEPTH = 64,   /* the kernel puts no more return probes on a thread */
    AT_ACTIVE_SLOTS = 64, /* powers of two: indices are masked */
};

enum at_call_end { AT_CALL_RETURNED = 0, AT_CALL_CUT = 1 };

struct at_call_frame {
    __u64 sp;
    __u64 entered_ns;
    __u64 callees_ns; /* in traced functions that it called */
    __u64 probes_ns;  /* what their probes took */
    __u32 function;
    __u32 is_recursive; /* the function is further out on the stack as well */
};

struct at_call_stack {
    __u64 process_start_ns;
    __u32 tgid;
    __u32 tid;
    __u32 generation; /* of the wish that it was admitted by */
    __u32 depth;
    __u16 active[AT_ACTIVE_SLOTS]; /* open calls by the function's lowest bits */
    struct at_call_frame frames[AT_CALL_DEPTH];
};

/* What is known of a call that is over. */
struct at_call_result {
    __u64 duration_ns;
    __u64 added_ns; /* by probes, its own and those of its callees; not in the duration */
    __u64 self_ns;
    __u32 function;
    __u32 caller; /* AT_NO_CALLER */
    __u32 depth;
    __u32 is_recursive;
};

static inline __attribute__((always_inline)) struct at_call_frame* at_top_call(struct at_call_stack* s) {
    __u32 depth = s->depth;
    if (depth == 0 || depth > AT_CALL_DEPTH) return 0;
    return &s->frames[(depth - 1) & (AT_CALL_DEPTH - 1)];
}

/* Seen from an entry at `sp`, calls that were entered below this are over. One at the same stack pointer is not if
 * it gave its own return address on: a tail call. */
static inline __attribute__((always_inline)) __u64 at_gone_below(__u64 sp, int is_tail_call) {
    return is_tail_call ? sp : sp + 1;
}

/* The frame for a call that begins; the caller sets entered_ns, last of all. Null: it is too deep. */
static inline __attribute__((always_inline)) struct at_call_frame* at_push_call(struct at_call_stack* s,
                                                                                __u32 function, __u64 sp) {
    const __u32 depth = s->depth;
    if (depth >= AT_CALL_DEPTH) return 0;
    __u32 is_recursive = 0;
    __u16* active = &s->active[function & (AT_ACTIVE_SLOTS - 1)];
    if (*active)
        for (__u32 i = 0; i < AT_CALL_DEPTH && i < depth; ++i)
            if (s->frames[i].function == function) {
                is_recursive = 1;
                break;
            }
    ++*active;
    struct at_call_frame* f = &s->frames[depth & (AT_CALL_DEPTH - 1)];
    f->sp = sp;
    f->callees_ns = 0;
    f->probes_ns = 0;
    f->function = function;
    f->is_recursive = is_recursive;
    s->depth = depth + 1;
    return f;
}

/* Takes the innermost call off, which ended at `now`. `bias_ns`: what its probe is known to add to its duration;
 * `cost_ns`: to its caller's. REQUIRES: there is one. */
static inline __attribute__((always_inline)) void at_pop_call(struct at_call_stack* s, __u64 now, __u64 bias_ns,
                                                              __u64 cost_ns, struct at_call_result* result) {
    const __u32 depth = (s->depth - 1) & (AT_CALL_DEPTH - 1);
    struct at_call_frame* f = &s->frames[depth];
    const __u64 seen = now > f->entered_ns ? now - f->entered_ns : 0;
    const __u64 added = f->probes_ns + bias_ns;
    result->duration_ns = seen > added ? seen - added : 0;
    result->added_ns = seen - result->duration_ns;
    result->self_ns = result->duration_ns > f->callees_ns ? result->duration_ns - f->callees_ns : 0;
    result->function = f->function;
    result->depth = depth;
    result->is_recursive = f->is_recursive;
    result->caller = 0xffffffffu;
    s->depth = depth;
    __u16* active = &s->active[f->function & (AT_ACTIVE_SLOTS - 1)];
    if (*active) --*active;
    if (depth == 0) return;
    struct at_call_frame* caller = &s->frames[(depth - 1) & (AT_CALL_DEPTH - 1)];
    caller->callees_ns += result->duration_ns;
    caller->probes_ns += f->probes_ns + cost_ns;
    result->caller = caller->function;
}

#endif
