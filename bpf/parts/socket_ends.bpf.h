/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The Runtime API heard where sockets have sent and received (Linux 6.3), instead of at every system call: when nothing
 * but boundaries is left to tell (only_boundaries.bpf.h) the agent detaches the programs at system calls. A request is
 * told when its first bytes were sent, not when sending begins; that a connection was closed shows by the next one on
 * its number, another socket. Calls that are not told are not counted any more, either.
 *
 * Programs of both kinds are attached while the agent changes from one to the other. Which of them tells a call is
 * decided by what the thread says of it: `calls_since`, whether its entry could be seen; `has_told`, that it told.
 */
#ifndef AUTOTUNE_BPF_PARTS_SOCKET_ENDS_BPF_H
#define AUTOTUNE_BPF_PARTS_SOCKET_ENDS_BPF_H

volatile __u32 at_by_socket = 0; /* set by the agent while we run */

/* Was what the thread does now left to the programs at system calls? */
AT_INLINE int at_left_to_calls(const struct at_thread* thread) {
    return !at_by_socket && (!thread || thread->calls_since == at_calls_since);
}

/* As if its entry had been seen. */
AT_INLINE void at_note_call(struct at_thread* thread, __u32 call, const struct pt_regs* regs, struct sock* sk) {
    thread->unread.at_ns = 0;
    thread->args[0] = AT_ARG0(regs);
    thread->args[1] = AT_ARG1(regs);
    thread->args[2] = AT_ARG2(regs);
    thread->sk = sk;
    thread->call = call;
}

/* A request is sent, by a thread that is known. */
AT_APART int at_tell_heard(__u32 fd, __u64 socket, const struct at_heard* heard) {
    struct at_thread* thread = at_this_thread();
    if (!thread || !heard) return 0;
    thread->has_told = 1;
    if (!at_note_request(thread->scope, fd, socket, heard)) return 0;
    struct at_instant now;
    at_take_instant(&now);
    at_tell_times_before(now.at_ns);
    at_tell_request(&now, thread->scope, fd, socket, heard);
    return 0;
}

SEC("tp_btf/sock_send_length")
int BPF_PROG(at_socket_sent, struct sock* sk, int sent, int flags) {
    struct task_struct* task = bpf_get_current_task_btf();
    if (sent <= 0 || task->tgid == at_own_tgid) return 0;
    if (at_is_foreign_abi(task)) return at_foreign_call();
    const struct pt_regs* regs = (const struct pt_regs*)bpf_task_pt_regs(task);
    const unsigned long number = AT_NUMBER(regs);
    const __u32 call = number < AT_SYSCALL_NUMBERS ? at_calls[number] : AT_CALL_NONE;
    struct at_bytes bytes;
    __u64 first;
    if (!at_sends(call) || !at_first_bytes(call, AT_ARG1(regs), AT_ARG2(regs), &bytes)) return 0;
    const __u32 fd = AT_ARG0(regs);
    const enum at_first_words words = at_first_words(&bytes, &first);
    if (words == AT_FIRST_WORDS_OTHER) {
        if (!at_by_socket || !at_speaks[task->tgid & (AT_SPEAKERS - 1)]) return 0;
        struct at_control* control = at_control_of(task->tgid, fd, sk);
        if (control && control->received) control->awaiting = 0;
        return 0;
    }
    struct at_thread* thread = at_watching ? at_watched_thread(task) : 0;
    if (at_left_to_calls(thread)) return 0;
    if (thread && thread->has_told) {
        thread->has_told = 0;
        return 0;
    }
    if (!thread && !at_discover) return 0;
    if (words == AT_FIRST_WORDS_UNREAD) {
        at_count_read_failed();
        return 0;
    }
    struct at_heard heard;
    __builtin_memset(&heard, 0, sizeof heard);
    at_hear(fd, (__u64)bytes.at, bytes.size, &heard);
    if (heard.request == AT_REQUEST_UNREAD) at_count_read_failed();
    if (heard.request == AT_REQUEST_NONE || heard.request == AT_REQUEST_BEGUN || heard.request == AT_REQUEST_UNREAD)
        return 0;
    if (!thread) {
        if (heard.request != AT_REQUEST_NEXT) return 0;
        const __u64 scope = at_cgroup_of(task);
        if (!at_watch(scope)) return 0;
        thread = at_make_thread(task, scope, scope);
        if (!thread) return 0;
    }
    at_note_call(thread, call, regs, sk);
    /* The verifier takes no socket for a number: it is read back. */
    at_tell_heard(fd, (__u64) * (struct sock* volatile*)&thread->sk, &heard);
    thread->call = AT_CALL_NONE;
    thread->has_told = 0;
    return 0;
}

SEC("tp_btf/sock_recv_length")
int BPF_PROG(at_socket_received, struct sock* sk, int received, int flags) {
    struct task_struct* task = bpf_get_current_task_btf();
    if (received <= 0 || flags & AT_NOT_A_TRANSFER || !at_speaks[task->tgid & (AT_SPEAKERS - 1)]) return 0;
    if (at_is_foreign_abi(task)) return at_foreign_call();
    const struct pt_regs* regs = (const struct pt_regs*)bpf_task_pt_regs(task);
    const unsigned long number = AT_NUMBER(regs);
    const __u32 call = number < AT_SYSCALL_NUMBERS ? at_calls[number] : AT_CALL_NONE;
    if (!at_receives(call) || call == AT_CALL_RECVMMSG) return 0;
    struct at_control* control = at_control_of(task->tgid, AT_ARG0(regs), sk);
    if (!control || !control->awaiting) return 0;
    struct at_thread* thread = at_watched_thread(task);
    if (!thread || at_left_to_calls(thread)) return 0;
    at_note_call(thread, call, regs, sk);
    at_tell_answer(task, thread, control, received);
    thread->call = AT_CALL_NONE;
    return 0;
}

#endif
