/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Every system call, whatever it does: each told, or only counted. Programs of their own, attached while they are
 * asked for. They take only threads that are known already, one look-up: bystanders must not pay for them.
 * So what a thread calls between its move into a watched cgroup and its first call on a descriptor is not seen. Nor
 * are calls that never return, of 32-bit programs none.
 */
#ifndef AUTOTUNE_BPF_PARTS_EVERY_CALL_BPF_H
#define AUTOTUNE_BPF_PARTS_EVERY_CALL_BPF_H

#define AT_MAX_CALL_COUNTS 16384

const volatile __u32 at_sigreturn = 0; /* its number: the only call that has none any more when it returns */

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_HASH);
    __uint(max_entries, AT_MAX_CALL_COUNTS);
    __type(key, struct at_call_key);
    __type(value, struct at_call_count);
} call_counts SEC(".maps");

SEC("tp_btf/sys_enter")
int BPF_PROG(at_every_enter, struct pt_regs* regs, long number) {
    struct at_thread* thread = at_known_thread(bpf_get_current_task_btf());
    if (!thread) return 0;
    thread->every_number = number;
    thread->every_ns = bpf_ktime_get_ns();
    return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(at_every_exit, struct pt_regs* regs, long returned) {
    struct task_struct* task = bpf_get_current_task_btf();
    struct at_thread* thread = at_known_thread(task);
    if (!thread || !thread->every_ns) return 0; /* it began before we came */
    const __u64 entered = thread->every_ns;
    thread->every_ns = 0;
    if (at_is_foreign_abi(task)) return 0;
    struct at_syscall_record* r = at_reserve(AT_SYSCALL, sizeof *r);
    if (!r) return 0;
    at_fill_header(&r->header, AT_SYSCALL, sizeof *r, task, thread->scope);
    r->result = returned;
    r->latency_ns = r->header.at_ns - entered;
    r->number = thread->every_number;
    r->reserved = 0;
    /* As they were: a call returns in another register. */
    r->arguments[0] = AT_ARG0(regs);
    r->arguments[1] = AT_ARG1(regs);
    r->arguments[2] = AT_ARG2(regs);
    r->arguments[3] = AT_ARG3(regs);
    r->arguments[4] = AT_ARG4(regs);
    r->arguments[5] = AT_ARG5(regs);
    at_submit(r);
    return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(at_count_calls, struct pt_regs* regs, long returned) {
    struct task_struct* task = bpf_get_current_task_btf();
    const struct at_thread* thread = at_known_thread(task);
    if (!thread || at_is_foreign_abi(task)) return 0;
    const long number = AT_NUMBER(regs);
    struct at_call_key key = {.start_ns = task->group_leader->start_boottime,
                              .tgid = task->tgid,
                              .number = number < 0 ? at_sigreturn : (__u32)number};
    struct at_call_count* count = bpf_map_lookup_elem(&call_counts, &key);
    if (!count) {
        const struct at_call_count none = {};
        bpf_map_update_elem(&call_counts, &key, &none, BPF_NOEXIST); /* or another thread has */
        count = bpf_map_lookup_elem(&call_counts, &key);
        if (!count) {
            at_count_state_full();
            return 0;
        }
    }
    count->scope = thread->scope;
    ++count->calls;
    if (returned < 0 && returned >= -4095) ++count->failures;
    return 0;
}

#endif
