/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* System calls of watched cgroups: one dispatch at entry, one at exit, what is between in task storage. */
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

/* Nobody asked for this cgroup. Does it ask for an invocation? Then it is an executor's. */
AT_INLINE struct at_cgroup* at_discovered(__u64 cgroup, __u32 call, __u64 pointer, __u64 size) {
    if (!at_discover || !at_sends(call)) return 0;
    if (at_request_in(at_first_bytes(call, pointer, size)) != AT_REQUEST_NEXT) return 0;
    return at_watch(cgroup);
}

AT_INLINE void at_tell_fd_change(struct task_struct* task, __s32 from, __s32 to, __u32 is_dup) {
    struct at_fd_change_record* r = at_reserve(AT_FD_CHANGE, sizeof *r);
    if (!r) return;
    at_fill_header(&r->header, AT_FD_CHANGE, sizeof *r, task, at_cgroup_of(task));
    r->from = from;
    r->to = to;
    r->is_dup = is_dup;
    r->reserved = 0;
    at_submit(r);
}

SEC("tp_btf/sys_enter")
int BPF_PROG(at_sys_enter, struct pt_regs* regs, long number) {
    if ((unsigned long)number >= AT_SYSCALL_NUMBERS) return 0;
    const __u32 call = at_calls[number];
    if (!call) return 0;
    struct task_struct* task = bpf_get_current_task_btf();
    if (task->tgid == at_own_tgid) return 0;
    const __u64 cgroup = at_cgroup_of(task);
    struct at_cgroup* watched = at_scope(task, cgroup);
    if (!watched) {
        watched = at_discovered(cgroup, call, AT_ARG1(regs), AT_ARG2(regs));
        if (!watched) return 0;
    }
    if (at_is_foreign_abi(task)) return 0;
    struct at_thread* thread = at_make_thread(task);
    if (!thread) return 0;
    thread->call = AT_CALL_NONE;

    const __u64 fd = AT_ARG0(regs);
    struct sock* sk = 0;
    __u32 file = AT_FILE_OTHER;
    __u32 is_control = 0;
    if (at_needs_file(call)) {
        file = at_look_up(task, fd, &sk);
        if (file == AT_FILE_OTHER && call != AT_CALL_CLOSE) return 0;
    }
    if (file == AT_FILE_SOCKET) {
        if (at_sends(call)) {
            const struct at_bytes bytes = at_first_bytes(call, AT_ARG1(regs), AT_ARG2(regs));
            const enum at_request request = at_request_in(bytes);
            if (request != AT_REQUEST_NONE) {
                at_tell_request(task, cgroup, watched, fd, sk, bytes, request);
                return 0;
            }
        }
        struct at_control* control = at_control_of(task->tgid, fd, sk);
        if (control) {
            if (at_sends(call)) control->awaiting = 0;
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
    thread->sk = sk;
    thread->file = file;
    thread->is_control = is_control;
    thread->enter_ns = bpf_ktime_get_ns();
    thread->call = call;
    return 0;
}

struct at_message_sum {
    __u64 vector;
    __u64 bytes;
};

static long at_add_message(__u32 index, struct at_message_sum* sum) {
    /* struct mmsghdr: msghdr of 56 bytes, msg_len; 64 in all */
    __u32 size = 0;
    if (bpf_probe_read_user(&size, sizeof size, (const void*)(sum->vector + index * 64ull + 56)))
        at_count_read_failed();
    sum->bytes += size;
    return 0;
}

/* What sendmmsg and recvmmsg moved: they return messages, we tell bytes. */
AT_INLINE __s64 at_message_bytes(__u64 vector, __s64 messages) {
    struct at_message_sum sum = {.vector = vector};
    bpf_loop(messages < 1024 ? messages : 1024, at_add_message, &sum, 0);
    return sum.bytes;
}

AT_INLINE int at_is_transfer(const struct at_thread* thread) {
    switch (thread->call) {
        case AT_CALL_RECVFROM:
        case AT_CALL_RECVMMSG: return !(thread->args[3] & AT_NOT_A_TRANSFER);
        case AT_CALL_RECVMSG: return !(thread->args[2] & AT_NOT_A_TRANSFER);
        default: return 1;
    }
}

/* In *r all but the kind; header.at_ns is the end of the call. */
AT_INLINE void at_fill_io(struct at_io_record* r, struct task_struct* task, const struct at_thread* thread,
                          __s64 result, __u64 now) {
    at_fill_header(&r->header, AT_IO, sizeof *r, task, at_cgroup_of(task));
    r->header.at_ns = now;
    r->result = result;
    r->latency_ns = now - thread->enter_ns;
    r->fd = thread->args[0];
    r->op = at_op_of(thread->call, thread->file);
    r->file = thread->file;
    r->flags = 0;
    at_read_endpoints(thread->sk, &r->local, &r->peer);
}

AT_INLINE void at_tell_with_path(struct task_struct* task, const struct at_thread* thread, __s64 result,
                                 __u64 now, const void* path, int is_address) {
    struct at_io_path_record* r = at_reserve(AT_IO_PATH, sizeof *r);
    if (!r) return;
    at_fill_io(&r->io, task, thread, result, now);
    r->io.header.kind = AT_IO_PATH;
    r->io.header.size = sizeof *r;
    if (thread->call == AT_CALL_OPEN) r->io.fd = -100; /* AT_FDCWD */
    if (!is_address && r->io.file == AT_FILE_OTHER) r->io.file = AT_FILE_DATA;
    r->path[0] = 0;
    /* Now the kernel has read it, so it is in memory. */
    if (is_address) {
        __u64 size = thread->args[2] > 2 ? thread->args[2] - 2 : 0;
        __u32 n = size < 108 ? size : 108;
        barrier_var(n);
        if (n > 108) n = 108;
        if (n && bpf_probe_read_user(r->path, n, path)) at_count_read_failed();
        r->path[n] = 0;
        if (n && !r->path[0]) r->path[0] = '@'; /* the abstract namespace */
    } else if (bpf_probe_read_user_str(r->path, sizeof r->path, path) < 0) {
        at_count_read_failed();
    }
    at_submit(r);
}

AT_INLINE void at_connect_done(struct task_struct* task, struct at_thread* thread, __s64 result, __u64 now) {
    struct at_endpoint asked = {};
    at_read_sockaddr((const void*)thread->args[1], &asked);
    if (asked.family == AT_AF_UNIX)
        return at_tell_with_path(task, thread, result, now, (const void*)(thread->args[1] + 2), 1);
    struct at_io_record r;
    at_fill_io(&r, task, thread, result, now);
    if (asked.family) r.peer = asked; /* a refused socket has forgotten it */
    if (result == -AT_EINPROGRESS) {
        r.header.at_ns = thread->enter_ns;
        r.flags = AT_IO_COMPLETED_LATER;
        return at_connect_later(&r, thread->sk);
    }
    struct at_io_record* record = at_reserve(AT_IO, sizeof r);
    if (!record) return;
    *record = r;
    at_submit(record);
}

AT_INLINE void at_io_done(struct task_struct* task, struct at_thread* thread, __s64 result, __u64 now) {
    struct at_io_record* r = at_reserve(AT_IO, sizeof *r);
    if (!r) return;
    at_fill_io(r, task, thread, result, now);
    if (r->file == AT_FILE_SOCKET && !r->peer.family) { /* unconnected: the address is with the call */
        if (thread->call == AT_CALL_SENDMSG || thread->call == AT_CALL_RECVMSG) {
            const void* name = 0;
            bpf_probe_read_user(&name, sizeof name, (const void*)thread->args[1]);
            at_read_sockaddr(name, &r->peer);
        }
    }
    at_submit(r);
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
            at_tell_fd_change(task, thread->args[0], thread->args[0], 0);
        } else if (result > 0 && call != AT_CALL_RECVMMSG) {
            const __u64 cgroup = at_cgroup_of(task);
            struct at_cgroup* watched = at_watched(cgroup);
            struct at_control* control = at_control_of(task->tgid, thread->args[0], thread->sk);
            if (watched && control)
                at_tell_answer(task, cgroup, watched, thread->args[0], control,
                               at_first_bytes(call, thread->args[1], thread->args[2]), result);
        }
        goto out;
    }

    switch (call) {
        case AT_CALL_CONNECT:
            if (at_worth_telling(result, now - thread->enter_ns)) at_connect_done(task, thread, result, now);
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
            if (result >= 0) at_tell_fd_change(task, thread->args[0], result, 1);
            break;
        case AT_CALL_CLOSE_RANGE:
            if (!result) at_tell_fd_change(task, thread->args[0], thread->args[1], 0);
            break;
        case AT_CALL_CLOSE:
            if (thread->file != AT_FILE_DATA) {
                at_tell_fd_change(task, thread->args[0], thread->args[0], 0);
                break;
            }
            at_io_done(task, thread, result, now);
            break;
        case AT_CALL_ACCEPT:
            if (!at_worth_telling(result, now - thread->enter_ns)) break;
            thread->file = AT_FILE_SOCKET;
            if (result >= 0) at_look_up(task, result, &thread->sk);
            at_io_done(task, thread, result, now);
            break;
        default:
            if (!at_worth_telling(result, now - thread->enter_ns)) break;
            if (at_counts_messages(call) && result > 0) result = at_message_bytes(thread->args[1], result);
            at_io_done(task, thread, result, now);
    }
out:
    thread->call = AT_CALL_NONE;
    return 0;
}

#endif
