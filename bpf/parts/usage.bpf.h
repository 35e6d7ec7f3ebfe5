/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* CPU and memory used by a watched scope: accounted at every context switch, read at any instant. */
#ifndef AUTOTUNE_BPF_PARTS_USAGE_BPF_H
#define AUTOTUNE_BPF_PARTS_USAGE_BPF_H

#define AT_MAX_MEMORY_LEVELS 12
#define AT_TICK_NS 10000000ull /* the longest there is: HZ=100 */

/* What runs on each CPU since when; one cache line each. Read across CPUs. */
struct at_slice {
    __u64 since_ns;
    __u64 scope;
    __u32 tid;
    __u32 reserved[11];
};

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, AT_MAX_CPUS);
    __type(key, __u32);
    __type(value, struct at_slice);
} slices SEC(".maps");

/* The part of [from, now] in which the scope was already watched. */
AT_INLINE __u64 at_elapsed(__u64 from, __u64 now, const struct at_cgroup* watched) {
    if (from < watched->since_ns) from = watched->since_ns;
    return now > from ? now - from : 0;
}

/*
 * What the kernel has put down for the thread since the last time goes to its scope. The kernel's sums and
 * not differences of our own clock: now and then a switch passes by the tracepoint unseen (measured on 6.18,
 * up to one in a hundred), and sums forgive that. They also leave out interrupts and stolen time, as
 * everybody else's account does.
 */
AT_INLINE void at_settle(struct task_struct* task, struct at_thread* thread, struct at_cgroup* watched) {
    const __u64 cpu = at_cpu_time(task);
    const __u64 runnable = at_runnable_time(task);
    if (cpu > thread->cpu_ns) __sync_fetch_and_add(&watched->cpu_ns, cpu - thread->cpu_ns);
    if (runnable > thread->runnable_ns)
        __sync_fetch_and_add(&watched->runnable_ns, runnable - thread->runnable_ns);
    thread->cpu_ns = cpu;
    thread->runnable_ns = runnable;
}

/* Under the run-queue lock: only looks. */
AT_INLINE __u64 at_scope_while_switching(struct task_struct* task) {
    const struct at_thread* thread = at_known_thread(task);
    return thread ? thread->scope : at_tracked_scope(task->tgid, at_cgroup_of(task));
}

SEC("tp_btf/sched_switch")
int BPF_PROG(at_sched_switch, _Bool preempted, struct task_struct* prev, struct task_struct* next) {
    const __u64 now = bpf_ktime_get_ns();
    __u32 cpu = bpf_get_smp_processor_id();
    struct at_slice* slice = bpf_map_lookup_elem(&slices, &cpu);
    if (!slice) return 0;
    struct at_cgroup* used = prev->pid ? at_sums(at_scope_while_switching(prev)) : 0;
    if (used) {
        struct at_thread* thread = bpf_task_storage_get(&threads, prev, 0, 0);
        if (thread)
            at_settle(prev, thread, used);
        else /* it has made no call since its scope is watched */
            __sync_fetch_and_add(&used->cpu_ns, at_elapsed(slice->since_ns, now, used));
    }
    slice->since_ns = now;
    slice->scope = next->pid ? at_scope_while_switching(next) : 0;
    slice->tid = next->pid;
    return 0;
}

/* The running threads of a scope on other CPUs: their slices so far. */
AT_INLINE __u64 at_sibling_slices(__u64 scope, const struct at_cgroup* watched, __u64 now) {
    __u64 sum = 0;
    const __u32 here = bpf_get_smp_processor_id();
    for (__u32 cpu = 0; cpu < AT_MAX_CPUS; ++cpu) {
        if (cpu >= at_cpus) break;
        __u32 key = cpu;
        const struct at_slice* slice = bpf_map_lookup_elem(&slices, &key);
        if (slice && cpu != here && slice->scope == scope) sum += at_elapsed(slice->since_ns, now, watched);
    }
    return sum;
}

/*
 * The running thread's slice so far. The kernel's sum is brought up to date at each tick: the truth is between
 * it and one tick more; our clock says where, if we saw the slice begin.
 */
AT_INLINE __u64 at_own_slice(struct task_struct* task, const struct at_thread* thread,
                             const struct at_cgroup* watched, __u64 now) {
    __u32 here = bpf_get_smp_processor_id();
    const struct at_slice* slice = bpf_map_lookup_elem(&slices, &here);
    const __u64 cpu = at_cpu_time(task);
    const __u64 least = cpu > thread->cpu_ns ? cpu - thread->cpu_ns : 0;
    if (!slice || slice->tid != (__u32)task->pid) return least;
    const __u64 from = slice->since_ns > thread->made_ns ? slice->since_ns : thread->made_ns;
    const __u64 elapsed = at_elapsed(from, now, watched);
    if (elapsed < least) return least;
    return elapsed < least + AT_TICK_NS ? elapsed : least + AT_TICK_NS;
}

/*
 * The nearest memory cgroup above the task that has a limit, or the task's own: the one that can kill.
 * Works where memory is on v1 and where it is on v2. `watermark` may be reset by anybody.
 */
AT_INLINE void at_read_memory(struct task_struct* task, struct at_usage* usage) {
    if (!bpf_core_enum_value_exists(enum cgroup_subsys_id, memory_cgrp_id)) return;
    const __u64 index = bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id);
    const void* set = BPF_CORE_READ(task, cgroups);
    const void* css = 0;
    bpf_probe_read_kernel(&css, sizeof css,
                          set + bpf_core_field_offset(struct css_set, subsys) + index * sizeof css);
    if (!css) return;
    const struct mem_cgroup* group = css - bpf_core_field_offset(struct mem_cgroup, css);
    const struct page_counter* own =
        (const void*)group + bpf_core_field_offset(struct mem_cgroup, memory);
    const __u64 unlimited = 0x7fffffffffffffffull / at_page_size;

    const struct page_counter* counter = own;
    __u64 limit = unlimited;
    for (int level = 0; level < AT_MAX_MEMORY_LEVELS; ++level) {
        limit = BPF_CORE_READ(counter, max);
        if (limit < unlimited) break;
        const struct page_counter* parent = BPF_CORE_READ(counter, parent);
        if (!parent) break;
        counter = parent;
    }
    if (limit >= unlimited) counter = own;
    usage->memory_now = BPF_CORE_READ(counter, usage.counter) * at_page_size;
    usage->memory_peak = BPF_CORE_READ(counter, watermark) * at_page_size;
    usage->memory_limit = limit < unlimited ? limit * at_page_size : 0;
}

/* `task` is the running one. */
AT_INLINE void at_read_usage(struct task_struct* task, __u64 scope, struct at_usage* usage) {
    const __u64 now = bpf_ktime_get_ns();
    __builtin_memset(usage, 0, sizeof *usage);
    at_read_memory(task, usage);
    const struct at_cgroup* watched = at_sums(scope);
    if (!watched) return;
    usage->cpu_ns = watched->cpu_ns + at_sibling_slices(scope, watched, now);
    usage->runnable_ns = watched->runnable_ns;
    const struct at_thread* thread = bpf_task_storage_get(&threads, task, 0, 0);
    if (thread) {
        usage->cpu_ns += at_own_slice(task, thread, watched, now);
        const __u64 runnable = at_runnable_time(task);
        if (runnable > thread->runnable_ns) usage->runnable_ns += runnable - thread->runnable_ns;
    }
}

#endif
