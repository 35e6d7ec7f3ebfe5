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

AT_INLINE __u64 at_latency(const struct at_thread* thread, __u64 now) {
    return now - thread->enter_ns + thread->waited_ns;
}

/* In *r all but the kind; header.at_ns is the end of the call. */
AT_INLINE void at_fill_io(struct at_io_record* r, struct task_struct* task, const struct at_thread* thread,
                          __s64 result, __u64 now) {
    at_fill_header_at(&r->header, AT_IO, sizeof *r, task, thread->scope, now);
    r->result = result;
    r->latency_ns = at_latency(thread, now);
    r->waited_ns = thread->waited_ns;
    r->fd = thread->args[0];
    r->op = at_op_of(thread->call, thread->file);
    r->file = thread->file;
    r->flags = 0;
    at_read_endpoints(thread->sk, &r->local, &r->peer);
}

AT_APART int at_connect_done(__s64 result, __u64 now) {
    struct task_struct* task = bpf_get_current_task_btf();
    const struct at_thread* thread = at_this_thread();
    if (!thread) return 0;
    struct at_endpoint asked = {};
    at_read_sockaddr((const void*)thread->args[1], &asked);
    struct at_io_record r;
    at_fill_io(&r, task, thread, result, now);
    if (asked.family == AT_AF_UNIX) {
        at_tell_on_unix(&r, 0, thread->args[1], thread->args[2]);
        return 0;
    }
    if (asked.family) r.peer = asked; /* a refused socket has forgotten it */
    if (result == -AT_EINPROGRESS) {
        r.header.at_ns = thread->enter_ns;
        r.flags = AT_IO_COMPLETED_LATER;
        at_connect_later(&r, thread->sk);
        return 0;
    }
    struct at_io_record* record = at_reserve(AT_IO, sizeof r);
    if (!record) return 0;
    *record = r;
    at_submit(record);
    return 0;
}

/* The address that came with the call; none with a receive that failed, or for want of one. */
AT_INLINE const void* at_address_of(const struct at_thread* thread, __s64 result, __u32* size) {
    const void* address = 0;
    *size = 0;
    if (!at_sends(thread->call) && result < 0) return 0;
    switch (thread->call) {
        case AT_CALL_SENDTO:
            *size = thread->args[5];
            return (const void*)thread->args[4];
        case AT_CALL_RECVFROM:
            address = (const void*)thread->args[4];
            if (address && bpf_probe_read_user(size, sizeof *size, (const void*)thread->args[5]))
                at_count_read_failed();
            return address;
        case AT_CALL_SENDMSG:
        case AT_CALL_RECVMSG:
            if (bpf_probe_read_user(&address, sizeof address, (const void*)thread->args[1]) ||
                bpf_probe_read_user(size, sizeof *size, (const void*)(thread->args[1] + sizeof address)))
                at_count_read_failed();
            return address;
        default: return 0;
    }
}

/* `thread`: the running one's. */
AT_APART int at_io_done(const struct at_thread* thread, __s64 result, __u64 now) {
    struct task_struct* task = bpf_get_current_task_btf();
    if (!thread) return 0;
    __u32 size = 0;
    const int may_be_http = thread->file == AT_FILE_SOCKET && result > 0 && !(thread->tls_depth && at_is_of_tls());
    const int in_http = may_be_http ? at_tell_http(thread, result) : 0;
    if (in_http & AT_HTTP_SERVERS_TURN) at_tell_times_before(now);
    if (in_http & AT_IO_IN_HTTP) {
        const __u64 siblings = in_http & AT_HTTP_SERVERS_TURN ? at_siblings(thread->scope, now) : 0;
        at_copy_http(thread, result, now, in_http, siblings);
    }
    if (thread->file == AT_FILE_SOCKET && at_is_unix(thread->sk)) {
        struct at_io_record done;
        at_fill_io(&done, task, thread, result, now);
        done.flags |= (__u16)in_http;
        const void* address = at_address_of(thread, result, &size);
        return at_tell_on_unix(&done, (__u64)thread->sk, (__u64)address, size);
    }
    struct at_io_record* r = at_reserve(AT_IO, sizeof *r);
    if (!r) return 0;
    at_fill_io(r, task, thread, result, now);
    r->flags |= (__u16)in_http;
    if (r->file == AT_FILE_SOCKET && !r->peer.family) /* not connected */
        at_read_sockaddr(at_address_of(thread, result, &size), &r->peer);
    const int is_of_names = r->op == AT_OP_RECEIVE && r->peer.port == AT_DNS_PORT;
    at_submit(r);
    if (is_of_names) at_tell_names(result);
    return 0;
}

#endif
