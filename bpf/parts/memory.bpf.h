/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Memory of a task's memory cgroup, on v1 and v2. The includer defines AT_INLINE and at_page_size. */
#ifndef AUTOTUNE_BPF_PARTS_MEMORY_BPF_H
#define AUTOTUNE_BPF_PARTS_MEMORY_BPF_H

#define AT_MAX_MEMORY_LEVELS 12

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

#endif
