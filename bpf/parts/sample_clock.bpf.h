/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Each traced thread's time, by stack: every interval off the CPU, told when it ends, at the stack at which the thread
 * left. No sampling. What a ring without room keeps from being told is told later as AT_STACK_LOST: sums stay right.
 */
#ifndef AUTOTUNE_BPF_PARTS_SAMPLE_CLOCK_BPF_H
#define AUTOTUNE_BPF_PARTS_SAMPLE_CLOCK_BPF_H

#include "bpf/logic/stack_ledger.h"

#define AT_EXITING 0x4u /* PF_EXITING */

struct at_timed_thread {
    __u64 thread_start_ns; /* a thread of another start time is another */
    __u64 start_ns;        /* of its process */
    __u64 scope;
    __u64 lost_ns; /* could not be told */
    __u32 pid;
    __u32 tid;
    struct at_stack_ledger ledger;
};

/* Not preallocated, and not with the task: an entry is made under the run-queue lock. */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __uint(max_entries, 1 << 20);
    __type(key, __u32);
    __type(value, struct at_timed_thread);
} timed_threads SEC(".maps");

static __always_inline void read_account(struct task_struct___sampler* task, __u64 now, struct at_reading* to) {
    to->at_ns = now;
    to->cpu_ns = BPF_CORE_READ(task, se.sum_exec_runtime);
    to->switches = BPF_CORE_READ(task, nvcsw) + BPF_CORE_READ(task, nivcsw);
}

/* False: there was no room to tell whose it is. */
static __always_inline int fill_sample(struct at_sample* sample, const struct at_timed_thread* t, __u64 now, __u32 of,
                                       __u32 stack, __u64 weight) {
    __builtin_memset(&sample->head, 0, sizeof sample->head);
    sample->head.record = AT_RECORD_SAMPLE;
    sample->head.of = of;
    sample->head.tid = t->tid;
    sample->head.process = process_number(t->pid, t->start_ns, t->scope);
    sample->head.stack = stack;
    sample->head.at_ns = now;
    sample->weight = weight;
    return sample->head.process != 0;
}

static __always_inline int tell_of_thread(const struct at_timed_thread* t, __u64 now, __u32 of, __u32 stack,
                                          __u64 weight) {
    struct at_sample sample;
    return fill_sample(&sample, t, now, of, stack, weight) &&
           !bpf_ringbuf_output(&samples, &sample, sizeof sample, BPF_RB_NO_WAKEUP);
}

static __always_inline int tell_span(const struct at_timed_thread* t, __u64 now, __u32 stack, __u64 ns) {
    return tell_of_thread(t, now, AT_SAMPLE_OFF, stack, ns);
}

/* Tells the span, and before it what is owed. */
static __always_inline void tell_off(struct at_timed_thread* t, __u64 now, const struct at_span* span) {
    if (!span->ns) return;
    count(AT_COUNT_ATTEMPTED);
    if (t->lost_ns && tell_span(t, now, AT_STACK_LOST, t->lost_ns)) t->lost_ns = 0;
    if (tell_span(t, now, span->stack, span->ns)) return;
    count(AT_COUNT_RING_FULL);
    t->lost_ns += span->ns;
}

static __always_inline struct at_timed_thread* timed_thread(struct task_struct___sampler* task) {
    const __u32 tid = task->pid;
    struct at_timed_thread* t = bpf_map_lookup_elem(&timed_threads, &tid);
    return t && t->thread_start_ns == task->start_boottime ? t : 0;
}

static __always_inline void make_timed_thread(struct task_struct___sampler* task, __u64 scope, __u64 now, __u32 is_on,
                                              __u64 stack, __u64 flags) {
    struct at_timed_thread t = {.thread_start_ns = task->start_boottime,
                                .start_ns = BPF_CORE_READ(task, group_leader, start_boottime),
                                .scope = scope,
                                .pid = task->tgid,
                                .tid = task->pid};
    struct at_reading reading;
    read_account(task, now, &reading);
    at_open_stack_ledger(&t.ledger, &reading, is_on, stack);
    const __u32 tid = t.tid;
    const long error = bpf_map_update_elem(&timed_threads, &tid, &t, flags);
    if (error && error != -17 /* EEXIST */) count(AT_COUNT_STATE_FULL);
}

static __always_inline void thread_comes(struct task_struct___sampler* next, __u64 now) {
    if (!next->pid) return;
    struct at_timed_thread* t = timed_thread(next);
    if (!t) return;
    struct at_reading reading;
    struct at_span span;
    read_account(next, now, &reading);
    at_settle_stack(&t->ledger, &reading, AT_COMES, 0, &span);
    tell_off(t, now, &span);
}

/* `prev` is the running thread still. */
static __always_inline void thread_leaves(void* ctx, struct task_struct___sampler* prev, __u64 now) {
    if (!prev->pid || !prev->mm || prev->flags & AT_EXITING) return;
    const __u64 scope = scope_of_current();
    struct at_timed_thread* t = timed_thread(prev);
    if (!scope) {
        const __u32 tid = prev->pid;
        if (t) bpf_map_delete_elem(&timed_threads, &tid);
        return;
    }
    struct scratch* s = this_scratch();
    if (!s) return;
    __u32 stack = AT_STACK_LOST;
    if (begin_sample(s, scope, prev)) {
        struct at_unwind_registers registers = {};
        saved_registers(&registers);
        stack = take_stack(ctx, s, prev, &registers, AT_SAMPLE_LATER);
    }
    if (!t) {
        make_timed_thread(prev, scope, now, 0, stack, BPF_ANY);
        return;
    }
    struct at_reading reading;
    struct at_span span;
    read_account(prev, now, &reading);
    t->scope = scope;
    at_settle_stack(&t->ledger, &reading, AT_LEAVES, stack, &span);
    tell_off(t, now, &span);
    at_take_taken(&t->ledger, 0, &span);
    tell_off(t, now, &span);
}

SEC("tp_btf/sched_switch")
int BPF_PROG(on_switch, _Bool preempted, struct task_struct___sampler* prev, struct task_struct___sampler* next) {
    const __u64 now = bpf_ktime_get_ns();
    thread_comes(next, now);
    thread_leaves(ctx, prev, now);
    return 0;
}

/* The CPU time that a tick of the running thread stands for; 0: nothing is to be told. */
static __always_inline __u64 sampled_time(struct task_struct___sampler* task, __u64 scope) {
    const __u64 now = bpf_ktime_get_ns();
    struct at_timed_thread* t = timed_thread(task);
    if (!t) {
        make_timed_thread(task, scope, now, 1, AT_STACK_NONE, BPF_ANY);
        return 0;
    }
    struct at_reading reading;
    read_account(task, now, &reading);
    return at_take_sampled(&t->ledger, at_cpu_so_far(&t->ledger, &reading));
}

/* … and could not be told: the next tick stands for it too. */
static __always_inline void sampled_time_is_owed(struct task_struct___sampler* task, __u64 ns) {
    struct at_timed_thread* t = timed_thread(task);
    if (t) t->ledger.sampled_ns -= ns;
}

/* Of a thread that begins to end. */
static __always_inline void thread_ends(struct task_struct___sampler* task) {
    struct at_timed_thread* t = timed_thread(task);
    if (!t) return;
    const __u64 now = bpf_ktime_get_ns();
    struct at_reading reading;
    struct at_span span;
    read_account(task, now, &reading);
    reading.cpu_ns = at_cpu_so_far(&t->ledger, &reading);
    at_settle_stack(&t->ledger, &reading, AT_ASKED, 0, &span);
    tell_off(t, now, &span);
    at_take_taken(&t->ledger, 1, &span);
    tell_off(t, now, &span);
    if (exact_ticks) {
        const __u64 rest = at_take_sampled(&t->ledger, reading.cpu_ns);
        if (rest) tell_of_thread(t, now, AT_SAMPLE_CPU, AT_STACK_UNSAMPLED, rest);
    }
    const __u32 tid = t->tid;
    bpf_map_delete_elem(&timed_threads, &tid);
}

static __always_inline __u64 scope_of(struct task_struct___sampler* task) {
    struct cgroup___sampler* c = task->cgroups->dfl_cgrp;
    const __u64 cgroup = c->kn->id;
    const __u64 scope = at_tracked_scope(task->tgid, cgroup);
    if (scope || !match_ancestors || !any_cgroups) return scope;
    for (int depth = 0; depth < 16; ++depth) {
        struct cgroup_subsys_state___sampler* parent = c->self.parent;
        if (!parent) break;
        c = parent->cgroup;
        __u64 id = c->kn->id;
        if (bpf_map_lookup_elem(&tracked_cgroups, &id)) return cgroup;
    }
    return 0;
}

/* Read at the beginning: every traced thread is known, also one that sleeps until the end. */
SEC("iter/task")
int meet_threads(struct bpf_iter__task___sampler* ctx) {
    struct task_struct___sampler* task = ctx->task;
    if (!task || !task->mm || task->flags & AT_EXITING) return 0;
    const __u64 scope = scope_of(task);
    if (scope) make_timed_thread(task, scope, bpf_ktime_get_ns(), task->on_cpu, AT_STACK_BEFORE, BPF_NOEXIST);
    return 0;
}

static __always_inline void write_sample(struct bpf_iter__task___sampler* ctx, const struct at_timed_thread* t,
                                         __u64 now, __u32 of, __u32 stack, __u64 weight) {
    struct at_sample sample;
    if (!weight || !fill_sample(&sample, t, now, of, stack, weight)) return;
    bpf_seq_write(ctx->meta->seq, &sample, sizeof sample);
}

/* Read at the end, when switches are not heard any more: at_sample records of what is open still. */
SEC("iter/task")
int close_threads(struct bpf_iter__task___sampler* ctx) {
    struct task_struct___sampler* task = ctx->task;
    if (!task) return 0;
    struct at_timed_thread* t = timed_thread(task);
    if (!t) return 0;
    const __u64 now = bpf_ktime_get_ns();
    struct at_reading reading;
    struct at_span span;
    read_account(task, now, &reading);
    reading.cpu_ns = at_cpu_so_far(&t->ledger, &reading);
    at_settle_stack(&t->ledger, &reading, AT_ASKED, 0, &span);
    write_sample(ctx, t, now, AT_SAMPLE_OFF, span.stack, span.ns);
    at_take_taken(&t->ledger, 1, &span);
    write_sample(ctx, t, now, AT_SAMPLE_OFF, span.stack, span.ns);
    write_sample(ctx, t, now, AT_SAMPLE_OFF, AT_STACK_LOST, t->lost_ns);
    t->lost_ns = 0;
    if (exact_ticks)
        write_sample(ctx, t, now, AT_SAMPLE_CPU, AT_STACK_UNSAMPLED, at_take_sampled(&t->ledger, reading.cpu_ns));
    return 0;
}

#endif
