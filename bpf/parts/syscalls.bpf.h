/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* System calls of watched threads: one dispatch at entry, one at exit, what is between in task storage. */
#ifndef AUTOTUNE_BPF_PARTS_SYSCALLS_BPF_H
#define AUTOTUNE_BPF_PARTS_SYSCALLS_BPF_H

#define AT_F_DUPFD 0
#define AT_F_DUPFD_CLOEXEC 1030
#define AT_X86_TS_COMPAT 2 /* a 32-bit call: its numbers mean other calls */

AT_INLINE int at_is_foreign_abi(struct task_struct* task) {
#if defined(__TARGET_ARCH_x86)
    return (task->thread_info.status & AT_X86_TS_COMPAT) != 0;
#else
    return 0;
#endif
}

SEC("tp_btf/sys_enter")
int BPF_PROG(at_sys_enter, struct pt_regs* regs, long number) {
    if ((unsigned long)number >= AT_SYSCALL_NUMBERS) return 0;
    const __u32 call = at_calls[number];
    if (!call) return 0;
    struct task_struct* task = bpf_get_current_task_btf();
    if (task->tgid == at_own_tgid) return 0;
    struct at_thread* thread = at_watched_thread(task);
    if (!thread && !at_discover) return 0;
    if (at_is_foreign_abi(task)) return 0;
    const __u64 fd = AT_ARG0(regs);
    struct at_heard heard = {};
    if (at_sends(call)) at_hear(task, fd, at_first_bytes(call, AT_ARG1(regs), AT_ARG2(regs)), &heard);
    if (!thread) {
        /* Nobody asked for this cgroup; but who asks for an invocation is an executor. */
        if (heard.request != AT_REQUEST_NEXT) return 0;
        const __u64 cgroup = at_cgroup_of(task);
        if (!at_watch(cgroup)) return 0;
        thread = at_make_thread(task, cgroup);
        if (!thread) return 0;
    }
    thread->call = AT_CALL_NONE;
    const __u64 polled_ns = thread->polled_ns;
    thread->polled_ns = 0; /* whatever this call is, what comes later is not what was waited for */

    struct sock* sk = 0;
    __u32 file = AT_FILE_OTHER;
    __u32 is_control = 0;
    if (at_needs_file(call)) {
        file = at_look_up(task, fd, &sk);
        if (file == AT_FILE_OTHER && call != AT_CALL_CLOSE) return 0;
    }
    if (file == AT_FILE_SOCKET) {
        if (at_sends(call)) {
            if (heard.request == AT_REQUEST_BEGUN) return 0;
            if (heard.request != AT_REQUEST_NONE) {
                at_tell_request(task, thread->scope, fd, sk, &heard);
                return 0;
            }
        }
        struct at_control* control = at_control_of(task->tgid, fd, sk);
        if (control) {
            /* Before the answer it is the rest of the request; after it, of another protocol. */
            if (at_sends(call) && control->received) control->awaiting = 0;
            if (!at_receives(call) || !control->awaiting) {
                if (call != AT_CALL_CLOSE) return 0;
            }
            is_control = 1;
        }
    }
    if (!is_control && !at_io_wanted) return 0;

    thread->args[0] = fd;
    thread->args[1] = AT_ARG1(regs);
    thread->args[2] = AT_ARG2(regs);
    thread->args[3] = AT_ARG3(regs);
    thread->args[4] = AT_ARG4(regs);
    thread->sk = sk;
    thread->file = file;
    thread->is_control = is_control;
    thread->enter_ns = bpf_ktime_get_ns();
    thread->waited_ns =
        file == AT_FILE_SOCKET && at_receives(call) && thread->polled_fd == (__u32)fd ? polled_ns : 0;
    thread->call = call;
    return 0;
}

AT_INLINE int at_is_transfer(const struct at_thread* thread) {
    switch (thread->call) {
        case AT_CALL_RECVFROM:
        case AT_CALL_RECVMMSG: return !(thread->args[3] & AT_NOT_A_TRANSFER);
        case AT_CALL_RECVMSG: return !(thread->args[2] & AT_NOT_A_TRANSFER);
        default: return 1;
    }
}

SEC("tp_btf/sys_exit")
int BPF_PROG(at_sys_exit, struct pt_regs* regs, long returned) {
    struct task_struct* task = bpf_get_current_task_btf();
    struct at_thread* thread = bpf_task_storage_get(&threads, task, 0, 0);
    if (!thread || !thread->call) return 0;
    const __u32 call = thread->call;
    const __u64 now = bpf_ktime_get_ns();
    __s64 result = returned;
    if (call != AT_CALL_CLOSE && !at_is_transfer(thread)) goto out;

    if (thread->is_control) {
        if (call == AT_CALL_CLOSE) {
            struct at_fd_key key = {.tgid = task->tgid, .fd = thread->args[0]};
            bpf_map_delete_elem(&controls, &key);
            at_tell_fd_change(task, thread, thread->args[0], thread->args[0], 0);
        } else if (result > 0 && call != AT_CALL_RECVMMSG) {
            struct at_control* control = at_control_of(task->tgid, thread->args[0], thread->sk);
            if (control)
                at_tell_answer(task, thread->scope, thread->args[0], control,
                               at_first_bytes(call, thread->args[1], thread->args[2]), result);
        }
        goto out;
    }

    switch (call) {
        case AT_CALL_CONNECT:
            if (at_worth_telling(result, at_latency(thread, now))) at_connect_done(task, thread, result, now);
            break;
        case AT_CALL_OPEN:
        case AT_CALL_OPENAT:
            at_tell_with_path(task, thread, result, now,
                              (const void*)thread->args[call == AT_CALL_OPENAT ? 1 : 0], 0);
            break;
        case AT_CALL_FCNTL:
            if (thread->args[1] != AT_F_DUPFD && thread->args[1] != AT_F_DUPFD_CLOEXEC) break;
            /* fallthrough */
        case AT_CALL_DUP:
            if (result >= 0) at_tell_fd_change(task, thread, thread->args[0], result, 1);
            break;
        case AT_CALL_POLL: at_poll_done(task, thread, result, now); break;
        case AT_CALL_CLOSE_RANGE:
            if (!result) at_tell_fd_change(task, thread, thread->args[0], thread->args[1], 0);
            break;
        case AT_CALL_CLOSE:
            if (thread->file != AT_FILE_DATA) {
                at_tell_fd_change(task, thread, thread->args[0], thread->args[0], 0);
                break;
            }
            at_io_done(task, thread, result, now);
            break;
        case AT_CALL_ACCEPT:
            if (!at_worth_telling(result, at_latency(thread, now))) break;
            thread->file = AT_FILE_SOCKET;
            if (result >= 0) at_look_up(task, result, &thread->sk);
            at_io_done(task, thread, result, now);
            break;
        default:
            if (!at_worth_telling(result, at_latency(thread, now))) break;
            if (at_counts_messages(call) && result > 0) result = at_message_bytes(thread->args[1], result);
            at_io_done(task, thread, result, now);
    }
out:
    thread->call = AT_CALL_NONE;
    return 0;
}

#endif
