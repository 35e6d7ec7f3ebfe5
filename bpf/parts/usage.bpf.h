/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* CPU and memory used by a watched cgroup: accounted at every context switch, read at any instant. */
#ifndef AUTOTUNE_BPF_PARTS_USAGE_BPF_H
#define AUTOTUNE_BPF_PARTS_USAGE_BPF_H

#define AT_MAX_MEMORY_LEVELS 12

/* What runs on each CPU since when; one cache line each. Read across CPUs. */
struct at_slice {
    __u64 since_ns;
    __u64 cgroup;
    __u64 reserved[6];
};

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, AT_MAX_CPUS);
    __type(key, __u32);
    __type(value, struct at_slice);
} slices SEC(".maps");

/* The part of [from, now] in which the cgroup was already watched. */
AT_INLINE __u64 at_elapsed(__u64 from, __u64 now, const struct at_cgroup* watched) {
    if (from < watched->since_ns) from = watched->since_ns;
    return now > from ? now - from : 0;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(at_sched_switch, _Bool preempted, struct task_struct* prev, struct task_struct* next,
             unsigned int prev_state) {
    const __u64 now = bpf_ktime_get_ns();
    __u32 cpu = bpf_get_smp_processor_id();
    struct at_slice* slice = bpf_map_lookup_elem(&slices, &cpu);
    if (!slice) return 0;
    const __u64 since = slice->since_ns;
    __u64 next_cgroup = 0;

    if (prev->pid) {
        struct at_cgroup* used = at_watched(at_cgroup_of(prev));
        if (used) __sync_fetch_and_add(&used->cpu_ns, at_elapsed(since, now, used));
        struct at_thread* thread = bpf_task_storage_get(&threads, prev, 0, 0);
        /* Still wants to run: preempted, or its group has used up its quota. */
        if (thread) thread->runnable_since = preempted || !prev_state ? now : 0;
    }
    if (next->pid) {
        next_cgroup = at_cgroup_of(next);
        struct at_thread* thread = bpf_task_storage_get(&threads, next, 0, 0);
        if (thread && thread->runnable_since) {
            struct at_cgroup* waited = at_watched(next_cgroup);
            if (waited)
                __sync_fetch_and_add(&waited->runnable_ns, at_elapsed(thread->runnable_since, now, waited));
            thread->runnable_since = 0;
        }
    }
    slice->since_ns = now;
    slice->cgroup = next_cgroup;
    return 0;
}

AT_INLINE int at_woken(struct task_struct* task) {
    struct at_thread* thread = bpf_task_storage_get(&threads, task, 0, 0);
    /* Preempted on its way to sleep, it waits since then; if it runs, the next switch puts it right. */
    if (thread && !thread->runnable_since) thread->runnable_since = bpf_ktime_get_ns();
    return 0;
}

SEC("tp_btf/sched_wakeup")
int BPF_PROG(at_sched_wakeup, struct task_struct* task) { return at_woken(task); }

SEC("tp_btf/sched_wakeup_new")
int BPF_PROG(at_sched_wakeup_new, struct task_struct* task) { return at_woken(task); }

/* Slices that have not ended: this thread's, and those of its siblings on other CPUs. */
AT_INLINE __u64 at_running_slices(__u64 cgroup, const struct at_cgroup* watched, __u64 now) {
    __u64 sum = 0;
    const __u32 here = bpf_get_smp_processor_id(); /* may have joined the cgroup in its slice */
    for (__u32 cpu = 0; cpu < AT_MAX_CPUS; ++cpu) {
        if (cpu >= at_cpus) break;
        __u32 key = cpu;
        const struct at_slice* slice = bpf_map_lookup_elem(&slices, &key);
        if (!slice || (slice->cgroup != cgroup && cpu != here)) continue;
        sum += at_elapsed(slice->since_ns, now, watched);
    }
    return sum;
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

AT_INLINE void at_read_usage(struct task_struct* task, __u64 cgroup, const struct at_cgroup* watched,
                             struct at_usage* usage) {
    const __u64 now = bpf_ktime_get_ns();
    usage->cpu_ns = watched->cpu_ns + at_running_slices(cgroup, watched, now);
    usage->runnable_ns = watched->runnable_ns;
    usage->memory_now = usage->memory_peak = usage->memory_limit = 0;
    at_read_memory(task, usage);
}

#endif
