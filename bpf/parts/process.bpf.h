/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Processes that are watched: fork, exec, exit, the kernel's OOM kill, and those that were there before. */
#ifndef AUTOTUNE_BPF_PARTS_PROCESS_BPF_H
#define AUTOTUNE_BPF_PARTS_PROCESS_BPF_H

SEC("tp_btf/sched_process_fork")
int BPF_PROG(at_fork, struct task_struct* parent, struct task_struct* child) {
    if (child->tgid == at_own_tgid) return 0;
    at_inherit_tree(parent, child);
    const struct at_thread* thread = at_watched_thread(child);
    if (!thread) return 0;
    if (child->pid != child->tgid) return 0;
    struct at_fork_record* r = at_reserve(AT_FORK, sizeof *r);
    if (!r) return 0;
    at_fill_header(&r->header, AT_FORK, sizeof *r, child, thread->scope);
    r->parent = parent->tgid;
    r->parent_tid = parent->pid;
    bpf_probe_read_kernel(r->comm, sizeof r->comm, child->comm);
    at_submit(r);
    return 0;
}

/* Those that were to be closed on exec have been. Higher ones are taken for closed. */
AT_INLINE void at_read_open_fds(struct task_struct* task, __u64* bits) {
    struct fdtable* table = AT_FOLLOW(task)->files->fdt;
    __u32 bytes = table->max_fds / 8;
    barrier_var(bytes);
    if (bytes > AT_OPEN_FDS / 8) bytes = AT_OPEN_FDS / 8;
    __builtin_memset(bits, 0, AT_OPEN_FDS / 8);
    if (bpf_probe_read_kernel(bits, bytes, table->open_fds)) at_count_read_failed();
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(at_exec, struct task_struct* task, int old_pid, struct linux_binprm* program) {
    struct at_thread* thread = at_watched_thread(task);
    if (!thread) return 0;
    thread->tls_depth = 0; /* of the program that was */
    struct at_exec_record* r = at_reserve(AT_EXEC, sizeof *r);
    if (!r) return 0;
    at_fill_header(&r->header, AT_EXEC, sizeof *r, task, thread->scope);
    r->parent = AT_FOLLOW(task)->real_parent->tgid;
    bpf_probe_read_kernel(r->comm, sizeof r->comm, task->comm);
    if (bpf_probe_read_kernel_str(r->path, sizeof r->path, program->filename) < 0) r->path[0] = 0;
    /* The environment was just copied to the new stack, so it is there; /proc may be gone when we look. */
    const __u64 start = AT_FOLLOW(task)->mm->env_start;
    const __u64 end = AT_FOLLOW(task)->mm->env_end;
    r->environment_full = end > start ? end - start : 0;
    __u32 size = r->environment_full < AT_ENVIRONMENT_SIZE ? r->environment_full : AT_ENVIRONMENT_SIZE;
    barrier_var(size);
    if (size > AT_ENVIRONMENT_SIZE) size = AT_ENVIRONMENT_SIZE;
    if (size && bpf_probe_read_user(r->environment, size, (const void*)start)) {
        at_count_read_failed();
        size = 0;
    }
    r->environment_size = size;
    at_read_open_fds(task, r->open_fds);
    r->reserved = 0;
    r->is_new_code = at_is_new_code(program->file);
    if (r->is_new_code)
        at_submit_urgent(r);
    else
        at_submit(r);
    return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(at_exit, struct task_struct* task) {
    struct at_thread* thread = at_watched_thread(task);
    if (thread) at_tell_times(task, thread);
    if (thread && at_causes_shed) at_settle_apart(task, thread, bpf_ktime_get_ns());
    /* Two threads that leave together may both see 0; the agent takes the first. */
    if (AT_FOLLOW(task)->signal->live.counter) return 0;
    at_leave_tree(task);
    at_leave_slot(task);
    if (!thread) return 0;
    at_untold_dies(task->tgid);
    at_forget_choice(task->tgid);
    struct at_exit_record* r = at_reserve(AT_EXIT, sizeof *r);
    if (!r) return 0;
    at_fill_header(&r->header, AT_EXIT, sizeof *r, task, thread->scope);
    r->status = task->exit_code;
    r->reserved = 0;
    at_read_usage(task, thread->scope, &r->usage);
    if (r->status & 0x7f)
        at_submit_urgent(r);
    else
        at_submit(r);
    return 0;
}

/*
 * The argument is the victim's pid up to 6.9, its task from then on. Of a pid we know only what the
 * running thread tells: it is in the same memory cgroup or below it.
 */
SEC("raw_tp/mark_victim")
int at_mark_victim(struct bpf_raw_tracepoint_args* ctx) {
    const __u64 argument = ctx->args[0];
    const int is_pid = argument <= 0xffffffffull;
    struct task_struct* victim = is_pid ? (void*)bpf_get_current_task() : (void*)argument;
    const __u32 tgid = is_pid ? (__u32)argument : BPF_CORE_READ(victim, tgid);
    const __u64 scope = at_tracked_scope(tgid, BPF_CORE_READ(victim, cgroups, dfl_cgrp, kn, id));
    if (!scope) return 0;
    at_untold_dies(tgid);
    struct at_oom_record* r = at_reserve(AT_OOM, sizeof *r);
    if (!r) return 0;
    r->header.at_ns = bpf_ktime_get_ns();
    r->header.cgroup = scope;
    r->header.kind = AT_OOM;
    r->header.size = sizeof *r;
    r->header.tgid = tgid;
    r->header.tid = is_pid ? (int)argument : BPF_CORE_READ(victim, pid);
    const int known = !is_pid || BPF_CORE_READ(victim, tgid) == (int)tgid;
    r->header.start_ns = known ? BPF_CORE_READ(victim, group_leader, start_boottime) : 0;
    __builtin_memset(&r->usage, 0, sizeof r->usage);
    struct task_struct* current = bpf_get_current_task_btf();
    if (at_tracked_scope(current->tgid, at_cgroup_of(current)) == scope)
        at_read_usage_beside(current, scope, &r->usage, at_sibling_slices_only(scope, bpf_ktime_get_ns()));
    at_read_memory(victim, &r->usage);
    at_submit_urgent(r);
    return 0;
}

/* Read at the start: prepares every thread, tells every process; when nothing was asked for, also those that
 * may turn out to be executors. */
SEC("iter/task")
int at_existing(struct bpf_iter__task* ctx) {
    struct task_struct* task = ctx->task;
    if (!task) return 0;
    if (!task->mm || task->tgid == at_own_tgid) return 0; /* a kernel thread; ourselves */
    at_join_tree(task);
    const struct at_thread* thread = at_watched_thread(task);
    if (task->pid != task->tgid || (!thread && !at_discover)) return 0;
    __u64 scope = at_cgroup_of(task);
    barrier_var(scope); /* or else the compiler reads through one pointer that may be either's */
    if (thread) scope = thread->scope;
    struct at_existing_record r = {};
    at_fill_header(&r.header, AT_EXISTING, sizeof r, task, scope);
    r.parent = AT_FOLLOW(task)->real_parent->tgid;
    r.watched = thread != 0;
    bpf_probe_read_kernel(r.comm, sizeof r.comm, task->comm);
    bpf_seq_write(ctx->meta->seq, &r, sizeof r);
    return 0;
}

#endif
