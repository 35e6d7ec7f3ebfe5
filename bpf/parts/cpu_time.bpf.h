/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* How long a thread has run and waited for a CPU, by the kernel's own sums, also in the middle of a slice. */
#ifndef AUTOTUNE_BPF_PARTS_CPU_TIME_BPF_H
#define AUTOTUNE_BPF_PARTS_CPU_TIME_BPF_H

/* What runs on each CPU since when; one cache line each. Read across CPUs. */
struct at_slice {
    __u64 since_ns;
    __u64 scope;
    __u32 tid;
    __u32 passed; /* the last thread that was here when it left was not seen; 0: none */
    __u64 queue;  /* address of the CPU's run queue; 0: not looked for yet */
    __u32 reserved[8];
};

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, AT_MAX_CPUS);
    __type(key, __u32);
    __type(value, struct at_slice);
} slices SEC(".maps");

AT_INLINE __u64 at_runnable_time(struct task_struct* task) {
    return bpf_core_field_exists(task->sched_info.run_delay) ? task->sched_info.run_delay : 0;
}

/*
 * The kernel's sum is brought up to date at each tick and at each switch: in between the truth is between it
 * (`least`) and one tick more. Our clock says where, if we saw the slice begin; it also runs while the host has taken
 * the CPU away, which the sum leaves out. `begun`: the sum when it did.
 */
AT_INLINE __u64 at_sum_so_far(const struct at_slice* slice, __u32 tid, __u64 least, __u64 begun, __u64 now) {
    if (!slice || slice->tid != tid || slice->since_ns > now) return least;
    const __u64 so_far = begun + now - slice->since_ns;
    if (so_far < least) return least;
    return so_far < least + at_tick_ns ? so_far : least + at_tick_ns;
}

/* `known`: the sum at the last settlement, for those whose scheduling class does not keep what it was when the
 * slice began. */
AT_INLINE __u64 at_cpu_time_so_far(struct task_struct* task, __u64 now, __u64 known) {
    const __u64 least = task->se.sum_exec_runtime;
    if (!task->on_cpu) return least;
    __u32 cpu = task->thread_info.cpu;
    const struct at_slice* slice = bpf_map_lookup_elem(&slices, &cpu);
    const __u64 begun = task->se.prev_sum_exec_runtime;
    return at_sum_so_far(slice, task->pid, least, begun > known ? begun : known, now);
}

/* Of a thread that leaves its CPU the sum is up to date. */
AT_INLINE void at_read_account(struct task_struct* task, __u64 now, __u64 cpu_ns, struct at_account* account) {
    account->at_ns = now;
    account->cpu_ns = cpu_ns;
    account->runnable_ns = at_runnable_time(task);
    account->sleeps = task->nvcsw;
}

#endif
