/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * CPU time while nobody settles at context switches, for the budget's sake: what threads wait for is then not told.
 * Switches are only noted (at_switched, a fifth of at_sched_switch's cost); boundaries settle the threads of their
 * process, the agent settles all of them once a second, and each thread is settled when it exits. The kernel's own sums
 * lose nothing meanwhile: what is late is only for which invocation counts what other processes of the scope have run.
 */
#ifndef AUTOTUNE_BPF_PARTS_SETTLE_BPF_H
#define AUTOTUNE_BPF_PARTS_SETTLE_BPF_H

#define AT_MOST_SETTLED 128 /* threads at a boundary; of a process with more the rest is within a second */

volatile __u32 at_causes_shed = 0; /* set by the agent while at_switched stands in for at_sched_switch */

/* What is needed to know how long the running thread has run: since when. */
SEC("tp_btf/sched_switch")
int BPF_PROG(at_switched, _Bool preempted, struct task_struct* prev, struct task_struct* next) {
    if (!at_watching) return 0;
    __u32 cpu = bpf_get_smp_processor_id();
    struct at_slice* slice = bpf_map_lookup_elem(&slices, &cpu);
    if (!slice) return 0;
    if (slice->tid != (__u32)prev->pid) slice->passed = slice->tid;
    slice->since_ns = bpf_ktime_get_ns();
    slice->scope = 0;
    slice->tid = next->pid;
    return 0;
}

/* Of any thread, on any CPU: one at a time does. */
AT_INLINE void at_settle_apart(struct task_struct* task, struct at_thread* thread, __u64 now) {
    if (!thread->ledger.first.at_ns || __sync_lock_test_and_set(&thread->settling, 1)) return;
    struct at_account account;
    at_read_account(task, now, at_cpu_time_so_far(task, now, thread->ledger.last.cpu_ns), &account);
    if (account.cpu_ns < thread->ledger.last.cpu_ns) account.cpu_ns = thread->ledger.last.cpu_ns;
    at_settle(task, thread, &account, AT_AWAKE);
    (void)__sync_lock_test_and_set(&thread->settling, 0); /* a plain store could be seen before what was settled */
}

/* A function of its own: verified once, and not at each turn of the loop below. */
AT_APART int at_settle_tid(__u32 tid, __u64 now) {
    if (!at_has_casts) return 0; /* it is verified, called or not */
    struct task_struct* task = bpf_task_from_pid(tid);
    if (!task) return 0;
    struct at_thread* thread = bpf_task_storage_get(&threads, task, 0, 0);
    if (thread) at_settle_apart(task, thread, now);
    bpf_task_release(task);
    return 0;
}

/* The other threads of the running one's process. */
AT_APART int at_settle_siblings(__u64 now) {
    struct task_struct* task = bpf_get_current_task_btf();
    const __u64 head = (__u64)&AT_FOLLOW(task)->signal->thread_head;
    __u64 node = 0;
    bpf_core_read(&node, sizeof node, &((struct list_head*)head)->next);
    for (int i = 0; i < AT_MOST_SETTLED; ++i) {
        if (!node || node == head) break;
        const struct task_struct* found = (void*)(node - bpf_core_field_offset(struct task_struct, thread_node));
        int tid = 0;
        bpf_core_read(&tid, sizeof tid, &found->pid);
        bpf_core_read(&node, sizeof node, &((struct list_head*)node)->next);
        if (tid && tid != task->pid) at_settle_tid(tid, now);
    }
    return 0;
}

/* Read once a second: all that are watched. */
SEC("iter/task")
int at_settle_all(struct bpf_iter__task* ctx) {
    struct task_struct* task = ctx->task;
    struct at_thread* thread = task ? at_known_thread(task) : 0;
    if (thread) at_settle_apart(task, thread, bpf_ktime_get_ns());
    return 0;
}

#endif
