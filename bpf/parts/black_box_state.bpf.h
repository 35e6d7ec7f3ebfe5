/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Black box: settings, the ring, the counts, whose moment it is, and what every record begins with. */
#ifndef AUTOTUNE_BPF_PARTS_BLACK_BOX_STATE_BPF_H
#define AUTOTUNE_BPF_PARTS_BLACK_BOX_STATE_BPF_H

#define AT_INLINE static __always_inline
#define AT_SIGKILL 9

const volatile __u32 at_page_size = 4096;
const volatile __u32 at_mmap_number = 9;
/* As match_ancestors of sampler.bpf.c: the maps of what is watched are our own. */
const volatile __u32 at_own_scope = 0;
/* Number → 1 + the argument that is a path; AT_BOX_ADDRESS + the argument that is a struct sockaddr; 0: none. With
 * AT_BOX_BRINGS_WORK: calls that somebody waits in for work. */
#define AT_BOX_ADDRESS 16
#define AT_BOX_BRINGS_WORK 128
const volatile __u8 at_text_arguments[AT_SYSCALL_NUMBERS] = {};

volatile __u32 at_box_calls_shed = 0; /* set by the agent while we run: system calls are not remembered for now */

/* Where a process may be one of box_processes, by its number: most are told apart by this. Whoever adds one sets it. */
__u8 at_box_places[AT_BOX_PLACES];

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 4 << 20);
} box_records SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, AT_BOX_COUNTS);
    __type(key, __u32);
    __type(value, __u64);
} box_counts SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __uint(max_entries, 4096);
    __type(key, __u32);
    __type(value, struct at_box_process);
} box_processes SEC(".maps");

/* LRU: a process that nobody removes goes by itself. */
struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 4096);
    __type(key, __u32);
    __type(value, struct at_box_python);
} box_pythons SEC(".maps");

/* Thread groups whose death is being told → their start. */
struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 1024);
    __type(key, __u32);
    __type(value, __u64);
} box_dying SEC(".maps");

/* Records under way: an element a CPU. Each is used with interrupts off or in a task that cannot be interrupted by
 * another user of it. Not per CPU: those are 32 KiB at most. */
struct at_box_scratch {
    union {
        struct at_box_thread thread;
        struct at_box_files files;
        struct at_box_dying dying;
        struct at_box_mapped mapped;
    };
    struct at_box_code code;
    struct at_python_walker python;
};
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1); /* CPUs: set by the agent */
    __type(key, __u32);
    __type(value, struct at_box_scratch);
} box_scratches SEC(".maps");

/* A process's first state: too large for the stack. */
struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct at_box_process);
} box_fresh SEC(".maps");

AT_INLINE void at_box_count(__u32 what) {
    __u64* counter = bpf_map_lookup_elem(&box_counts, &what);
    if (counter) ++*counter;
}

AT_INLINE struct at_box_scratch* at_box_scratch(void) {
    __u32 cpu = bpf_get_smp_processor_id();
    return bpf_map_lookup_elem(&box_scratches, &cpu);
}

AT_INLINE __u64 at_box_cgroup(struct task_struct* task) { return task->cgroups->dfl_cgrp->kn->id; }

/* The running task's; 0: it is not watched. */
AT_INLINE __u64 at_box_scope(struct task_struct* task) {
    const __u64 cgroup = bpf_get_current_cgroup_id();
    const __u64 scope = at_tracked_scope(task->tgid, cgroup);
    if (scope || !at_own_scope) return scope;
    for (int level = 0; level < 16; ++level) {
        __u64 ancestor = bpf_get_current_ancestor_cgroup_id(level);
        if (!ancestor) break;
        if (bpf_map_lookup_elem(&tracked_cgroups, &ancestor)) return cgroup;
    }
    return 0;
}

AT_INLINE void at_box_fill_head(struct at_box_head* head, __u32 record, struct task_struct* task) {
    head->record = record;
    head->pid = task->tgid;
    head->tid = task->pid;
    head->reserved = 0;
    head->at_ns = bpf_ktime_get_ns();
    head->start_ns = task->group_leader->start_boottime;
    head->cgroup = at_box_cgroup(task);
    bpf_probe_read_kernel(head->command, sizeof head->command, task->comm);
}

AT_INLINE void at_box_tell(const void* record, __u64 size) {
    if (bpf_ringbuf_output(&box_records, (void*)record, size, 0)) at_box_count(AT_BOX_RING_FULL);
}

AT_INLINE void at_box_notice(__u32 record, struct task_struct* task, __u64 now, __u64 limit) {
    struct at_box_notice notice = {.memory_now = now, .memory_limit = limit};
    at_box_fill_head(&notice.head, record, task);
    at_box_tell(&notice, sizeof notice);
}

#endif
