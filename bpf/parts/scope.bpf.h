/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Which cgroups are watched: one look-up a system call, the walk to the root once a cgroup. */
#ifndef AUTOTUNE_BPF_PARTS_SCOPE_BPF_H
#define AUTOTUNE_BPF_PARTS_SCOPE_BPF_H

#define AT_MAX_DEPTH 24

/* Ids of the cgroups that were asked for, with all below them. Written by the agent. */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 1024);
    __type(key, __u64);
    __type(value, __u32);
} roots SEC(".maps");

/* Cgroups known not to be below a root: id → generation of the wish. */
struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 4096);
    __type(key, __u64);
    __type(value, __u32);
} unwatched SEC(".maps");

AT_INLINE __u64 at_cgroup_of(struct task_struct* task) { return task->cgroups->dfl_cgrp->kn->id; }

AT_INLINE struct at_cgroup* at_watched(__u64 cgroup) { return bpf_map_lookup_elem(&tracked_cgroups, &cgroup); }

AT_INLINE struct at_cgroup* at_watch(__u64 cgroup) {
    struct at_cgroup fresh = {.watched = 1, .since_ns = bpf_ktime_get_ns()};
    long error = bpf_map_update_elem(&tracked_cgroups, &cgroup, &fresh, BPF_NOEXIST);
    if (error && error != -17 /* EEXIST */) at_count_state_full();
    return at_watched(cgroup);
}

AT_INLINE int at_is_below_root(struct task_struct* task) {
    struct cgroup* c = task->cgroups->dfl_cgrp;
    for (int depth = 0; depth < AT_MAX_DEPTH; ++depth) {
        __u64 id = c->kn->id;
        if (bpf_map_lookup_elem(&roots, &id)) return 1;
        struct cgroup_subsys_state* parent = c->self.parent;
        if (!parent) return 0;
        c = parent->cgroup;
    }
    return 0;
}

/* The entry of the task's cgroup if it is watched; decides for a cgroup not seen before. */
AT_INLINE struct at_cgroup* at_scope(struct task_struct* task, __u64 cgroup) {
    struct at_cgroup* entry = at_watched(cgroup);
    if (entry || at_discover) return entry;
    const __u32 generation = at_generation;
    __u32* verdict = bpf_map_lookup_elem(&unwatched, &cgroup);
    if (verdict && *verdict == generation) return 0;
    if (at_is_below_root(task)) return at_watch(cgroup);
    bpf_map_update_elem(&unwatched, &cgroup, &generation, BPF_ANY);
    return 0;
}

SEC("tp_btf/cgroup_rmdir")
int BPF_PROG(at_cgroup_rmdir, struct cgroup* cgroup, const char* path) {
    if (cgroup->root->hierarchy_id) return 0; /* v1: another space of ids */
    __u64 id = cgroup->kn->id;
    bpf_map_delete_elem(&tracked_cgroups, &id);
    bpf_map_delete_elem(&unwatched, &id);
    return 0;
}

#endif
