/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Executors that ran before us: what they wait for now is taken up where it is, so that the invocation that ends the wait
 * is not lost. That they asked for one was not heard; but whoever holds a connection to its own Runtime API gets nothing
 * there but answers.
 */
#ifndef AUTOTUNE_BPF_PARTS_TAKEN_UP_BPF_H
#define AUTOTUNE_BPF_PARTS_TAKEN_UP_BPF_H

/* Of processes that are to be taken up: the port of their Runtime API, as their environment says. Written by the agent
 * before it reads the two below, one after the other. */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 1024);
    __type(key, __u32);
    __type(value, __u32);
} apis SEC(".maps");

/* Their connections. */
SEC("iter/task_file")
int at_find_controls(struct bpf_iter__task_file* ctx) {
    struct task_struct* task = ctx->task;
    struct file* file = ctx->file;
    if (!task || !file) return 0;
    struct at_fd_key key = {.tgid = task->tgid, .fd = ctx->fd};
    const __u32* port = bpf_map_lookup_elem(&apis, &key.tgid);
    if (!port || at_type_of(file) != AT_FILE_SOCKET) return 0;
    const struct socket* socket = file->private_data;
    const struct sock* sk = BPF_CORE_READ(socket, sk);
    if (!sk || bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport)) != *port) return 0;
    const struct at_control control = {.sk = (__u64)sk, .awaiting = 1, .stands_for = 1};
    bpf_map_update_elem(&controls, &key, &control, BPF_NOEXIST);
    at_has_controls = 1;
    at_speaks[task->tgid & (AT_SPEAKERS - 1)] = 1;
    return 0;
}

/* Their threads that are in a receive on one: as if its entry had been seen. One that wakes at this moment is taken for
 * in it until its next call. */
SEC("iter/task")
int at_take_up(struct bpf_iter__task* ctx) {
    struct task_struct* task = ctx->task;
    if (!task || !task->__state) return 0;
    struct at_fd_key key = {.tgid = task->tgid};
    if (!bpf_map_lookup_elem(&apis, &key.tgid)) return 0;
    struct at_thread* thread = at_known_thread(task);
    if (!thread || thread->call) return 0;
    const struct pt_regs* regs = (const struct pt_regs*)bpf_task_pt_regs(task);
    const unsigned long number = AT_NUMBER(regs);
    if (number >= AT_SYSCALL_NUMBERS) return 0;
    const __u32 call = at_calls[number];
    if (!at_receives(call) || call == AT_CALL_RECVMMSG) return 0;
    key.fd = AT_ARG0(regs);
    const struct at_control* control = bpf_map_lookup_elem(&controls, &key);
    if (!control || !control->awaiting) return 0;
    thread->args[0] = key.fd;
    thread->args[1] = AT_ARG1(regs);
    thread->args[2] = AT_ARG2(regs);
    thread->args[3] = AT_ARG3(regs);
    thread->sk = (struct sock*)control->sk;
    thread->file = AT_FILE_SOCKET;
    thread->is_control = 1;
    thread->unread.at_ns = 0;
    thread->waited_ns = 0;
    thread->enter_ns = bpf_ktime_get_ns();
    thread->calls_since = at_calls_since;
    thread->call = call;
    return 0;
}

#endif
