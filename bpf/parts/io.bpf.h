/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Records of system calls that have ended: transfers, opens, connects, waits, changes of descriptors. */
#ifndef AUTOTUNE_BPF_PARTS_IO_BPF_H
#define AUTOTUNE_BPF_PARTS_IO_BPF_H

AT_INLINE void at_tell_fd_change(struct task_struct* task, const struct at_thread* thread, __s32 from, __s32 to,
                                 __u32 is_dup) {
    struct at_fd_change_record* r = at_reserve(AT_FD_CHANGE, sizeof *r);
    if (!r) return;
    at_fill_header(&r->header, AT_FD_CHANGE, sizeof *r, task, thread->scope);
    r->from = from;
    r->to = to;
    r->is_dup = is_dup;
    r->reserved = 0;
    at_submit(r);
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

AT_INLINE __u64 at_latency(const struct at_thread* thread, __u64 now) {
    return now - thread->enter_ns + thread->waited_ns;
}

/* In *r all but the kind; header.at_ns is the end of the call. */
AT_INLINE void at_fill_io(struct at_io_record* r, struct task_struct* task, const struct at_thread* thread,
                          __s64 result, __u64 now) {
    at_fill_header(&r->header, AT_IO, sizeof *r, task, thread->scope);
    r->header.at_ns = now;
    r->result = result;
    r->latency_ns = at_latency(thread, now);
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
    /* Unconnected: the address is with the call; a receive that failed has filled in none. */
    if (r->file == AT_FILE_SOCKET && !r->peer.family && (at_sends(thread->call) || result >= 0)) {
        const void* name = 0;
        if (thread->call == AT_CALL_SENDTO || thread->call == AT_CALL_RECVFROM)
            name = (const void*)thread->args[4];
        else if (thread->call == AT_CALL_SENDMSG || thread->call == AT_CALL_RECVMSG)
            bpf_probe_read_user(&name, sizeof name, (const void*)thread->args[1]);
        at_read_sockaddr(name, &r->peer);
    }
    at_submit(r);
}

/*
 * A receive with a time-out is a poll of one descriptor, then a receive that has no more to wait for
 * (CPython's sockets, for one). The wait is the receive's; when it was in vain, it is told as one.
 */
#define AT_POLLIN 1
#define AT_ETIMEDOUT 110

struct at_pollfd { /* struct pollfd */
    __s32 fd;
    __s16 events;
    __s16 revents;
};

AT_INLINE void at_poll_done(struct task_struct* task, struct at_thread* thread, __s64 result, __u64 now) {
    struct at_pollfd polled = {};
    if (thread->args[1] != 1 || result < 0) return;
    if (bpf_probe_read_user(&polled, sizeof polled, (const void*)thread->args[0]))
        return at_count_read_failed();
    if (!(polled.events & AT_POLLIN)) return;
    if (result > 0) {
        thread->polled_fd = polled.fd;
        thread->polled_ns = now - thread->enter_ns;
        return;
    }
    if (now - thread->enter_ns < AT_SLOW_EMPTY_NS) return;
    struct sock* sk = 0;
    if (at_look_up(task, polled.fd, &sk) != AT_FILE_SOCKET) return;
    if (at_control_of(task->tgid, polled.fd, sk)) return;
    thread->args[0] = polled.fd;
    thread->args[4] = 0;
    thread->sk = sk;
    thread->file = AT_FILE_SOCKET;
    thread->call = AT_CALL_RECVFROM;
    at_io_done(task, thread, -AT_ETIMEDOUT, now);
}

#endif
