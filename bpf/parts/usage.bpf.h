/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* CPU and memory used by a watched scope, at any instant. */
#ifndef AUTOTUNE_BPF_PARTS_USAGE_BPF_H
#define AUTOTUNE_BPF_PARTS_USAGE_BPF_H

#define AT_MAX_MEMORY_LEVELS 12

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
    if (!thread) return;
    const struct at_account* settled = &thread->ledger.last;
    const __u64 cpu = at_cpu_time_so_far(task, now, settled->cpu_ns);
    if (cpu > settled->cpu_ns) usage->cpu_ns += cpu - settled->cpu_ns;
    const __u64 runnable = at_runnable_time(task);
    if (runnable > settled->runnable_ns) usage->runnable_ns += runnable - settled->runnable_ns;
}

/* What the running thread's scope has used by now; nothing but its memory when it is not watched. */
AT_APART int at_take_instant(struct at_instant* now) {
    if (!now) return 0;
    const struct at_thread* thread = at_this_thread();
    now->at_ns = bpf_ktime_get_ns();
    at_read_usage(bpf_get_current_task_btf(), thread ? thread->scope : 0, &now->usage);
    return 0;
}

#endif
