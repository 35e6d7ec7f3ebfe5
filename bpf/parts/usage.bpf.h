/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* CPU and memory used by a watched scope, at any instant. */
#ifndef AUTOTUNE_BPF_PARTS_USAGE_BPF_H
#define AUTOTUNE_BPF_PARTS_USAGE_BPF_H

/*
 * The run queue of that CPU, by way of the group that the running thread is scheduled in: the symbol `runqueues` is
 * there with CONFIG_KALLSYMS_ALL only. 0: this kernel has no such groups. `box`: room on the caller's stack.
 */
AT_INLINE struct rq* at_run_queue(struct at_slice* slice, __u32 cpu, void** box) {
    if (slice->queue) return (struct rq*)slice->queue;
    struct task_struct* task = bpf_get_current_task_btf();
    if (!bpf_core_field_exists(task->sched_task_group->cfs_rq)) return 0;
    if (bpf_core_read(box, sizeof *box, &AT_FOLLOW(task)->sched_task_group->cfs_rq)) return 0;
    if (bpf_probe_read_kernel(box, sizeof *box, *box + cpu * sizeof *box)) return 0;
    struct cfs_rq* group_queue = *box;
    if (bpf_core_read(box, sizeof *box, &group_queue->rq)) return 0;
    struct rq* queue = *box;
    *box = 0;
    bpf_core_read(box, sizeof(int), &queue->cpu);
    if (!queue || (__u64)*box != cpu) return 0; /* laid out otherwise than we think */
    slice->queue = (__u64)queue;
    return queue;
}

/* The sum of a thread by now, less what has been settled; no more than the time it is watched. */
AT_INLINE __u64 at_unsettled(__u64 sum, __u64 settled, __u64 most) {
    const __u64 unsettled = sum > settled ? sum - settled : 0;
    return unsettled < most ? unsettled : most;
}

/* Of the thread, if it is on that CPU, or waits and was there last. */
AT_INLINE __u64 at_unsettled_of(const struct at_slice* slice, __u32 tid, __u32 cpu, __u64 scope, __u64 now, __u64 most) {
    struct task_struct* task = tid ? bpf_task_from_pid(tid) : 0;
    if (!task) return 0;
    __u64 found = 0;
    if (task->thread_info.cpu == cpu && at_tracked_scope(task->tgid, at_cgroup_of(task)) == scope) {
        const struct at_thread* thread = bpf_task_storage_get(&threads, task, 0, 0);
        const __u64 begun = task->se.prev_sum_exec_runtime;
        const __u64 settled = thread && thread->ledger.last.at_ns ? thread->ledger.last.cpu_ns : begun;
        found = at_unsettled(at_cpu_time_so_far(task, now, settled), settled, most);
    }
    bpf_task_release(task);
    return found;
}

/*
 * The threads of a scope on other CPUs: what they have run and has not been settled. The slices that were seen to
 * begin are not enough: now and then a switch passes by unseen (docs/decisions/0004). So it is what the kernel says
 * is there, and who was there last and waits with time that nobody saw end.
 */
AT_APART __u64 at_sibling_slices(__u64 scope, __u64 now) {
    if (!at_has_casts) return 0; /* it is verified, called or not */
    const struct at_cgroup* watched = at_sums(scope);
    if (!watched) return 0;
    const __u64 most = at_elapsed(0, now, watched);
    __u64 sum = 0;
    void* box;
    for (__u32 cpu = 0; cpu < AT_MAX_CPUS; ++cpu) {
        if (cpu >= at_cpus) break;
        __u32 key = cpu; /* the verifier loses count of what is in memory */
        struct at_slice* slice = bpf_map_lookup_elem(&slices, &key);
        if (!slice || cpu == bpf_get_smp_processor_id()) continue;
        struct rq* queue = at_run_queue(slice, cpu, &box);
        if (!queue) {
            if (slice->scope == scope) sum += at_elapsed(slice->since_ns, now, watched);
            continue;
        }
        const __u32 tid = ((struct rq*)bpf_rdonly_cast(queue, bpf_core_type_id_kernel(struct rq)))->curr->pid;
        sum += at_unsettled_of(slice, tid, cpu, scope, now, most);
        if (slice->tid != tid) sum += at_unsettled_of(slice, slice->tid, cpu, scope, now, most);
        if (slice->passed != tid && slice->passed != slice->tid)
            sum += at_unsettled_of(slice, slice->passed, cpu, scope, now, most);
    }
    return sum;
}

/* The same where threads cannot be found by their number: on older kernels, and from raw tracepoints. The slices of
 * threads that are there, since they began. */
AT_APART __u64 at_sibling_slices_only(__u64 scope, __u64 now) {
    const struct at_cgroup* watched = at_sums(scope);
    if (!watched) return 0;
    const __u64 most = at_elapsed(0, now, watched);
    __u64 sum = 0;
    void* box;
    for (__u32 cpu = 0; cpu < AT_MAX_CPUS; ++cpu) {
        if (cpu >= at_cpus) break;
        __u32 key = cpu; /* the verifier loses count of what is in memory */
        struct at_slice* slice = bpf_map_lookup_elem(&slices, &key);
        if (!slice || cpu == bpf_get_smp_processor_id()) continue;
        struct rq* queue = at_run_queue(slice, cpu, &box);
        if (!queue) {
            if (slice->scope == scope) sum += at_elapsed(slice->since_ns, now, watched);
            continue;
        }
        bpf_core_read(&box, sizeof box, &queue->curr);
        struct task_struct* running = box;
        bpf_core_read(&box, sizeof box, &running->cgroups);
        const struct css_set* groups = box;
        bpf_core_read(&box, sizeof box, &groups->dfl_cgrp);
        const struct cgroup* cgroup = box;
        bpf_core_read(&box, sizeof box, &cgroup->kn);
        const struct kernfs_node* node = box;
        bpf_core_read(&box, sizeof box, &node->id);
        if ((__u64)box != scope) {
            box = 0;
            bpf_core_read(&box, sizeof(int), &running->tgid);
            __u64* tree = bpf_map_lookup_elem(&tracked_processes, &box); /* the key is its lower half */
            if (!tree || *tree != scope) continue;
        }
        box = 0;
        bpf_core_read(&box, sizeof(int), &running->pid);
        const __u32 tid = (__u64)box;
        bpf_core_read(&box, sizeof box, &running->se.prev_sum_exec_runtime);
        const __u64 begun = (__u64)box;
        bpf_core_read(&box, sizeof box, &running->se.sum_exec_runtime);
        sum += at_unsettled(at_sum_so_far(slice, tid, (__u64)box, begun, now), begun, most);
    }
    return sum;
}

/* What a scope has used; `task`, the running one, is of it. `siblings`: see below. */
AT_INLINE void at_read_usage_beside(struct task_struct* task, __u64 scope, struct at_usage* usage, __u64 siblings) {
    const __u64 now = bpf_ktime_get_ns();
    __builtin_memset(usage, 0, sizeof *usage);
    at_read_memory(task, usage);
    const struct at_cgroup* watched = at_sums(scope);
    if (!watched) return;
    usage->cpu_ns = watched->cpu_ns + siblings;
    usage->runnable_ns = watched->runnable_ns;
    const struct at_thread* thread = bpf_task_storage_get(&threads, task, 0, 0);
    if (!thread) return;
    const struct at_account* settled = &thread->ledger.last;
    const __u64 cpu = at_cpu_time_so_far(task, now, settled->cpu_ns);
    if (cpu > settled->cpu_ns) usage->cpu_ns += cpu - settled->cpu_ns;
    const __u64 runnable = at_runnable_time(task);
    if (runnable > settled->runnable_ns) usage->runnable_ns += runnable - settled->runnable_ns;
}

AT_INLINE __u64 at_siblings(__u64 scope, __u64 now) {
    return at_has_casts ? at_sibling_slices(scope, now) : at_sibling_slices_only(scope, now);
}
AT_INLINE void at_read_usage(struct task_struct* task, __u64 scope, struct at_usage* usage) {
    if (at_causes_shed) at_settle_siblings(bpf_ktime_get_ns());
    at_read_usage_beside(task, scope, usage, at_siblings(scope, bpf_ktime_get_ns()));
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
