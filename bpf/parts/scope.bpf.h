/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Which threads are watched: kept with the thread; the walk to the root once a cgroup. */
#ifndef AUTOTUNE_BPF_PARTS_SCOPE_BPF_H
#define AUTOTUNE_BPF_PARTS_SCOPE_BPF_H

#define AT_MAX_DEPTH 24
#define AT_MAX_ANCESTORS 64

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

AT_INLINE __u64 at_cgroup_of(struct task_struct* task) { return AT_FOLLOW(task)->cgroups->dfl_cgrp->kn->id; }

AT_INLINE struct at_cgroup* at_sums(__u64 scope) { return bpf_map_lookup_elem(&tracked_cgroups, &scope); }

AT_INLINE int at_watch(__u64 cgroup) {
    struct at_cgroup fresh = {.watched = 1, .since_ns = bpf_ktime_get_ns()};
    at_watching = 1;
    const long error = bpf_map_update_elem(&tracked_cgroups, &cgroup, &fresh, BPF_NOEXIST);
    if (!error || error == -17 /* EEXIST */) return 1;
    at_count_state_full();
    return 0;
}

AT_INLINE int at_is_below_root(struct task_struct* task) {
    struct cgroup* c = AT_FOLLOW(task)->cgroups->dfl_cgrp;
    for (int depth = 0; depth < AT_MAX_DEPTH; ++depth) {
        __u64 id = c->kn->id;
        if (bpf_map_lookup_elem(&roots, &id)) return 1;
        struct cgroup_subsys_state* parent = c->self.parent;
        if (!parent) return 0;
        c = parent->cgroup;
    }
    return 0;
}

/* The scope of a task in that cgroup, 0 when it is not watched; decides for a cgroup not seen before. */
AT_INLINE __u64 at_find_scope(struct task_struct* task, __u64 cgroup) {
    if (at_by_process) {
        const __u64 tree = at_tree_of(task->tgid);
        if (tree) return tree;
    }
    if (at_sums(cgroup)) return cgroup;
    if (at_discover) return 0;
    const __u32 generation = at_generation;
    __u32* verdict = bpf_map_lookup_elem(&unwatched, &cgroup);
    if (verdict && *verdict == generation) return 0;
    if (at_is_below_root(task)) return at_watch(cgroup) ? cgroup : 0;
    bpf_map_update_elem(&unwatched, &cgroup, &generation, BPF_ANY);
    return 0;
}

/* The entry of a thread of `scope`, as found when it was in `cgroup`. Never under the run-queue lock: it may
 * allocate. */
AT_INLINE struct at_thread* at_make_thread(struct task_struct* task, __u64 scope, __u64 cgroup) {
    struct at_thread* t = bpf_task_storage_get(&threads, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
    if (!t) {
        at_count_state_full();
        return 0;
    }
    if (!t->ledger.first.at_ns) {
        struct at_account account;
        const __u64 now = bpf_ktime_get_ns();
        at_read_account(task, now, at_cpu_time_so_far(task, now, 0), &account);
        t->first_minor_faults = task->min_flt;
        t->first_major_faults = task->maj_flt;
        at_open_ledger(&t->ledger, &account);
    }
    at_forget_slot(task->tgid);
    t->scope = scope;
    t->cgroup = cgroup;
    t->generation = at_generation;
    return t;
}

/* The entry of a thread as far as it is right still: the wish is the same, and the thread has not moved. */
AT_INLINE struct at_thread* at_known_thread(struct task_struct* task) {
    struct at_thread* t = bpf_task_storage_get(&threads, task, 0, 0);
    if (!t || !t->scope || t->generation != at_generation) return 0;
    const __u64 cgroup = at_cgroup_of(task);
    if (t->cgroup == cgroup) return t;
    if (!at_by_process || at_tree_of(task->tgid) != t->scope) return 0;
    t->cgroup = cgroup; /* its tree goes with it */
    return t;
}

/* The entry of a thread that is watched, made when it is new; null when it is not. */
AT_INLINE struct at_thread* at_watched_thread(struct task_struct* task) {
    struct at_thread* t = at_known_thread(task);
    if (t) return t;
    const __u64 cgroup = at_cgroup_of(task);
    const __u64 scope = at_find_scope(task, cgroup);
    if (scope) return at_make_thread(task, scope, cgroup);
    t = bpf_task_storage_get(&threads, task, 0, 0);
    if (t) t->scope = 0; /* it was */
    return 0;
}

/* A process began: what its parent's tree is, is its own too. */
AT_INLINE void at_inherit_tree(struct task_struct* parent, struct task_struct* child) {
    if (!at_by_process || child->pid != child->tgid) return;
    __u64 tree = at_tree_of(parent->tgid);
    __u32 pid = child->tgid;
    if (tree && bpf_map_update_elem(&tracked_processes, &pid, &tree, BPF_ANY)) at_count_state_full();
}

/* The same for one that ran before we came: the nearest of its ancestors that is of a tree. */
AT_INLINE void at_join_tree(struct task_struct* task) {
    if (!at_by_process) return;
    __u32 pid = task->tgid;
    if (at_tree_of(pid)) return;
    struct task_struct* ancestor = AT_FOLLOW(task)->real_parent;
    for (int generation = 0; generation < AT_MAX_ANCESTORS; ++generation) {
        const __u32 up = ancestor->tgid;
        if (up <= 1) return;
        __u64 tree = at_tree_of(up);
        if (tree) {
            if (bpf_map_update_elem(&tracked_processes, &pid, &tree, BPF_ANY)) at_count_state_full();
            return;
        }
        ancestor = ancestor->real_parent;
    }
}

AT_INLINE void at_leave_tree(struct task_struct* task) {
    __u32 pid = task->tgid;
    if (at_by_process) bpf_map_delete_elem(&tracked_processes, &pid);
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
