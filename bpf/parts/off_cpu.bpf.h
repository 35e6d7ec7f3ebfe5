/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What threads do with their time: settled at each context switch, told per wait and as sums (bpf/logic/off_cpu.h). */
#ifndef AUTOTUNE_BPF_PARTS_OFF_CPU_BPF_H
#define AUTOTUNE_BPF_PARTS_OFF_CPU_BPF_H

#define AT_STATE_STOPPED 0x8cu /* stopped, traced, frozen ... */
#define AT_STATE_FROZEN 0x8000u

/* The part of [from, now] in which the scope was already watched. */
AT_INLINE __u64 at_elapsed(__u64 from, __u64 now, const struct at_cgroup* watched) {
    if (from < watched->since_ns) from = watched->since_ns;
    return now > from ? now - from : 0;
}

/* What a thread that goes to sleep waits for, from the system call it is in. */
AT_INLINE enum at_cause at_find_cause(struct task_struct* task, unsigned state) {
    if (state & (AT_STATE_STOPPED | AT_STATE_FROZEN)) return AT_CAUSE_UNKNOWN;
    if (BPF_CORE_READ_BITFIELD_PROBED(task, in_iowait)) return AT_CAUSE_DISK;
    if (at_is_foreign_abi(task)) return AT_CAUSE_UNKNOWN;
    struct pt_regs* regs = (struct pt_regs*)bpf_task_pt_regs(task);
    const unsigned long number = AT_NUMBER(regs);
    if (number >= AT_SYSCALL_NUMBERS) return AT_CAUSE_UNKNOWN; /* not in a call: a page fault */
    const __u32 wait = at_wait_kinds[number];
    if (!wait) return AT_CAUSE_UNKNOWN;
    unsigned short mode = 0;
    if (wait == AT_WAIT_FILE) {
        struct file* file = at_file_of(task, AT_ARG0(regs));
        if (file) mode = BPF_CORE_READ(file, f_inode, i_mode);
    }
    return at_cause_of(wait, AT_ARG0(regs), AT_ARG1(regs), mode);
}

AT_INLINE void at_tell_off_cpu(struct task_struct* task, const struct at_thread* thread,
                               const struct at_interval* interval, __u64 now) {
    struct at_off_cpu_record* r = at_reserve(AT_OFF_CPU, sizeof *r);
    if (!r) return;
    at_fill_header(&r->header, AT_OFF_CPU, sizeof *r, task, thread->scope);
    r->header.at_ns = now - interval->cpu_ns;
    r->blocked_ns = interval->blocked_ns;
    r->runnable_ns = interval->runnable_ns;
    r->cause = interval->cause;
    r->reserved = 0;
    at_submit(r);
}

/*
 * What the kernel has put down for the thread since the last time goes to the thread and to its scope. The
 * kernel's sums and not differences of our own clock: now and then a switch passes by the tracepoint unseen
 * (measured on 6.18, up to one in a hundred), and sums forgive that. They also leave out interrupts and stolen
 * time, as everybody else's account does.
 */
AT_INLINE void at_settle(struct task_struct* task, struct at_thread* thread, const struct at_account* account,
                         __u32 cause) {
    struct at_interval interval;
    at_settle_ledger(&thread->ledger, account, cause, &interval);
    struct at_cgroup* sums = thread->scope ? at_sums(thread->scope) : 0;
    if (!sums) return;
    if (interval.cpu_ns) __sync_fetch_and_add(&sums->cpu_ns, interval.cpu_ns);
    if (interval.runnable_ns) __sync_fetch_and_add(&sums->runnable_ns, interval.runnable_ns);
    if (!at_waits_wanted || !(interval.blocked_ns + interval.runnable_ns)) return;
    if (at_waits_shed)
        at_count_shed();
    else
        at_tell_off_cpu(task, thread, &interval, account->at_ns);
}

/* The call that the thread slept in has ended: its wait is told now, not when it leaves the CPU again. */
AT_APART int at_settle_early(__u64 now) {
    struct task_struct* task = bpf_get_current_task_btf();
    struct at_thread* thread = at_this_thread();
    if (!thread) return 0;
    struct at_account account;
    at_read_account(task, now, at_cpu_time_so_far(task, now, thread->ledger.last.cpu_ns), &account);
    at_settle(task, thread, &account, AT_AWAKE);
    return 0;
}

/* Under the run-queue lock: only looks. */
AT_INLINE __u64 at_scope_while_switching(struct task_struct* task) {
    const struct at_thread* thread = at_known_thread(task);
    if (thread) return thread->scope;
    const __u64 tree = at_by_process ? at_tree_of(task->tgid) : 0;
    if (tree) return tree;
    const __u64 cgroup = at_cgroup_of(task);
    return at_sums(cgroup) ? cgroup : 0;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(at_sched_switch, _Bool preempted, struct task_struct* prev, struct task_struct* next,
             unsigned state) {
    if (!at_watching) return 0;
    const __u64 now = bpf_ktime_get_ns();
    __u32 cpu = bpf_get_smp_processor_id();
    struct at_slice* slice = bpf_map_lookup_elem(&slices, &cpu);
    if (!slice) return 0;
    struct at_thread* thread = prev->pid ? bpf_task_storage_get(&threads, prev, 0, 0) : 0;
    if (thread && thread->ledger.first.at_ns) { /* it is not being made right now */
        struct at_account account;
        at_read_account(prev, now, prev->se.sum_exec_runtime, &account);
        at_settle(prev, thread, &account, preempted || !state ? AT_AWAKE : at_find_cause(prev, state));
    } else if (slice->scope && slice->tid == (__u32)prev->pid) {
        /* It has made no call since its scope is watched. */
        struct at_cgroup* used = at_sums(slice->scope);
        if (used) __sync_fetch_and_add(&used->cpu_ns, at_elapsed(slice->since_ns, now, used));
    }
    if (slice->scope && slice->tid != (__u32)prev->pid) slice->passed = slice->tid;
    slice->since_ns = now;
    slice->scope = next->pid ? at_scope_while_switching(next) : 0;
    slice->tid = next->pid;
    return 0;
}

AT_INLINE void at_fill_times(struct at_thread_times_record* r, struct task_struct* task,
                             const struct at_thread* thread, __u64 now) {
    at_fill_header(&r->header, AT_THREAD_TIMES, sizeof *r, task, thread->scope);
    r->header.at_ns = now;
    struct at_account account;
    at_read_account(task, now, at_cpu_time_so_far(task, now, thread->ledger.last.cpu_ns), &account);
    at_read_ledger(&thread->ledger, &account, !task->on_cpu && !task->__state, &r->times);
    r->minor_faults = task->min_flt - thread->first_minor_faults;
    r->major_faults = task->maj_flt - thread->first_major_faults;
}

/* Of the running thread. */
AT_INLINE void at_tell_times(struct task_struct* task, const struct at_thread* thread) {
    struct at_thread_times_record* r = at_reserve(AT_THREAD_TIMES, sizeof *r);
    if (!r) return;
    at_fill_times(r, task, thread, bpf_ktime_get_ns());
    at_submit(r);
}

/* … on its way to a boundary of that time: of the two the times come first. */
AT_APART int at_tell_times_before(__u64 boundary_ns) {
    struct task_struct* task = bpf_get_current_task_btf();
    const struct at_thread* thread = at_this_thread();
    struct at_thread_times_record* r = thread ? at_reserve(AT_THREAD_TIMES, sizeof *r) : 0;
    if (!r) return 0;
    at_fill_times(r, task, thread, bpf_ktime_get_ns());
    r->header.at_ns = boundary_ns;
    at_submit(r);
    return 0;
}

/* Read on request: the times of every watched thread. */
SEC("iter/task")
int at_times_of_all(struct bpf_iter__task* ctx) {
    struct task_struct* task = ctx->task;
    if (!task) return 0;
    const struct at_thread* thread = at_known_thread(task);
    if (!thread) return 0;
    struct at_thread_times_record r = {};
    at_fill_times(&r, task, thread, bpf_ktime_get_ns());
    bpf_seq_write(ctx->meta->seq, &r, sizeof r);
    return 0;
}

#endif
