/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Whose calls are traced: processes that were named, with all that they start, and those in named cgroups. */
#ifndef AUTOTUNE_BPF_PARTS_NATIVE_SCOPE_BPF_H
#define AUTOTUNE_BPF_PARTS_NATIVE_SCOPE_BPF_H

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 65536);
    __type(key, __u32); /* thread group */
    __type(value, __u32);
} native_processes SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 1024);
    __type(key, __u64); /* cgroup v2; all below it count */
    __type(value, __u32);
} native_cgroups SEC(".maps");

volatile __u32 at_native_has_cgroups = 0;
volatile __u32 at_native_everybody = 0; /* nobody was named */

AT_INLINE int at_native_wanted(__u32 tgid) {
    if (at_native_everybody || bpf_map_lookup_elem(&native_processes, &tgid)) return 1;
    if (!at_native_has_cgroups) return 0;
    for (int level = 0; level < 16; ++level) {
        __u64 ancestor = bpf_get_current_ancestor_cgroup_id(level);
        if (!ancestor) break;
        if (bpf_map_lookup_elem(&native_cgroups, &ancestor)) return 1;
    }
    return 0;
}

/* The current thread's stack of calls, for one that has none yet or whose admission is old. Null: not traced. */
AT_INLINE struct at_call_stack* at_native_admit(struct task_struct* task, struct at_call_stack* s) {
    const __u64 both = bpf_get_current_pid_tgid();
    const __u32 tgid = both >> 32;
    const __u32 generation = at_native_generation;
    if (!at_native_wanted(tgid)) {
        if (s) bpf_task_storage_delete(&native_stacks, task);
        return 0;
    }
    if (!s) s = bpf_task_storage_get(&native_stacks, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
    if (!s) {
        AT_NATIVE_COUNT(threads_full);
        return 0;
    }
    if (!s->tid) {
        s->tgid = tgid;
        s->tid = (__u32)both;
        s->process_start_ns = task->group_leader->start_boottime;
    }
    s->generation = generation;
    return s;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(at_native_fork, struct task_struct* parent, struct task_struct* child) {
    const __u32 from = parent->tgid;
    const __u32 to = child->tgid;
    if (from == to) return 0; /* a thread */
    const __u32* wanted = bpf_map_lookup_elem(&native_processes, &from);
    if (!wanted) return 0;
    const __u32 on = 1;
    if (bpf_map_update_elem(&native_processes, &to, &on, BPF_ANY)) AT_NATIVE_COUNT(threads_full);
    return 0;
}

#endif
