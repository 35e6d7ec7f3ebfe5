/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * HTTP/1.x inside TLS: the plain text that OpenSSL is given and gives, heard by uprobes on its functions. What is
 * told of it is as with plain sockets (http.bpf.h); but here no other record tells of a body's bytes, so each
 * transfer of a connection that speaks HTTP has one.
 */
#ifndef AUTOTUNE_BPF_PARTS_TLS_BPF_H
#define AUTOTUNE_BPF_PARTS_TLS_BPF_H

AT_INLINE struct at_tls_key at_tls_key_of(struct task_struct* task, __u64 tls) {
    struct at_tls_key key = {.tls = tls, .tgid = task->tgid};
    return key;
}

/* Its socket; null when that is not known or gone. */
AT_INLINE struct sock* at_tls_socket(struct task_struct* task, const struct at_tls_connection* connection) {
    struct sock* sk = 0;
    if (!connection->sk || at_look_up(task, connection->fd, &sk) != AT_FILE_SOCKET) return 0;
    return (__u64)sk == connection->sk ? sk : 0;
}

/* What is told of a call in either record, an at_tls_record or an at_http_record. */
#define AT_FILL_TLS(record, kind, task, thread, frame, connection, call_op, bytes, call_flags)  \
    ({                                                                                          \
        at_fill_header(&(record)->header, kind, sizeof *(record), task, (thread)->scope);       \
        (record)->latency_ns = (record)->header.at_ns - (frame)->entered_ns;                    \
        (record)->moved = bytes;                                                                \
        (record)->tls = (frame)->tls;                                                           \
        struct sock* at_socket = at_tls_socket(task, connection);                               \
        (record)->fd = at_socket ? (connection)->fd : -1;                                       \
        (record)->op = call_op;                                                                 \
        (record)->reserved = 0;                                                                 \
        (record)->flags = call_flags;                                                           \
        at_read_endpoints(at_socket, &(record)->local, &(record)->peer);                        \
    })

/* A transfer, or the end of the object, without text. */
AT_INLINE void at_tls_tell(const struct at_tls_frame* frame, const struct at_tls_connection* connection, __u8 op,
                           __u64 moved, __u16 flags) {
    struct task_struct* task = bpf_get_current_task_btf();
    const struct at_thread* thread = at_this_thread();
    if (!thread) return;
    struct at_tls_record* r = at_reserve_preemptible(AT_TLS, sizeof *r);
    if (!r) return;
    AT_FILL_TLS(r, AT_TLS, task, thread, frame, connection, op, moved, flags);
    bpf_ringbuf_submit(r, BPF_RB_NO_WAKEUP);
}

/* A transfer with its first bytes, `most` of them. */
AT_INLINE void at_tls_copy(const struct at_tls_frame* frame, const struct at_tls_connection* connection, __u8 op,
                           __u64 moved, __u16 flags, __u64 most) {
    struct task_struct* task = bpf_get_current_task_btf();
    const struct at_thread* thread = at_this_thread();
    if (!thread) return;
    struct at_http_record* r = at_reserve_preemptible(AT_HTTP, sizeof *r);
    if (!r) return;
    AT_FILL_TLS(r, AT_HTTP, task, thread, frame, connection, op, moved, flags);
    __builtin_memset(&r->usage, 0, sizeof r->usage);
    __u64 n = moved < most ? moved : most;
    barrier_var(n);
    if (n > AT_HTTP_SIZE) n = AT_HTTP_SIZE;
    r->size = n;
    r->reserved2 = 0;
    if (bpf_probe_read_user(r->text, n, (const void*)frame->buffer)) {
        r->size = 0;
        at_count_read_failed_preemptible();
    }
    bpf_ringbuf_submit(r, BPF_RB_NO_WAKEUP);
}

/* HTTP/2 begins on it. */
AT_INLINE void at_tls_not_decoded(void) {
    const struct at_thread* thread = at_this_thread();
    if (!thread) return;
    struct at_not_decoded_record* r = at_reserve_preemptible(AT_NOT_DECODED, sizeof *r);
    if (!r) return;
    at_fill_not_decoded(r, bpf_get_current_task_btf(), thread, AT_NOT_HTTP2, 1);
    bpf_ringbuf_submit(r, BPF_RB_NO_WAKEUP);
}

/* The call of `frame` has moved so many bytes of plain text. */
AT_APART int at_tls_done(const struct at_tls_frame* frame, __u64 moved) {
    if (!frame) return 0;
    struct task_struct* task = bpf_get_current_task_btf();
    const struct at_tls_key key = at_tls_key_of(task, frame->tls);
    struct at_tls_connection* connection = bpf_map_lookup_elem(&tls_connections, &key);
    if (connection && frame->sk) {
        connection->sk = frame->sk;
        connection->fd = frame->fd;
    }
    char first[AT_HTTP_BEGINNING] = {};
    int begins = 0;
    if (frame->buffer && moved >= sizeof first) {
        if (bpf_probe_read_user(first, sizeof first, (const void*)frame->buffer)) at_count_read_failed_preemptible();
        begins = at_begins_http(first);
        if (at_begins_http2(first)) at_tls_not_decoded();
    }
    __u16 flags = connection && connection->is_http ? 0 : AT_IO_NEW_TLS;
    if (!connection && (frame->sk || begins)) {
        const struct at_tls_connection fresh = {.sk = frame->sk, .fd = frame->fd};
        if (bpf_map_update_elem(&tls_connections, &key, &fresh, BPF_ANY)) at_count_state_full_preemptible();
        connection = bpf_map_lookup_elem(&tls_connections, &key);
    }
    if (!connection || !moved) return 0;
    const int is_send = at_tls_writes(frame->call);
    if (begins) {
        connection->is_http = 1;
        const __u32 other_way = at_begins_answer(first) ? 0 : AT_HTTP_MOST; /* an answer may begin with less */
        connection->left_received = is_send ? other_way : AT_HTTP_MOST;
        connection->left_sent = is_send ? AT_HTTP_MOST : other_way;
    } else if (!connection->is_http) {
        return 0;
    }
    char ending[AT_HTTP_ENDING] = {};
    if (frame->buffer && moved >= sizeof ending)
        bpf_probe_read_user(ending, sizeof ending, (const void*)(frame->buffer + moved - sizeof ending));
    if (at_ends_chunks(ending)) flags |= AT_IO_LAST_CHUNK;
    const __u8 op = is_send ? AT_OP_SEND : AT_OP_RECEIVE;
    const __u32 left = is_send ? connection->left_sent : connection->left_received;
    if (!left || !frame->buffer) {
        at_tls_tell(frame, connection, op, moved, flags);
        return 0;
    }
    const __u32 then = at_ends_head(ending) || moved >= left ? 0 : left - (__u32)moved;
    if (is_send)
        connection->left_sent = then;
    else
        connection->left_received = then;
    at_tls_copy(frame, connection, op, moved, flags, left);
    return 0;
}

/* SSL_free: another connection may get its address. */
AT_APART int at_tls_gone(__u64 tls) {
    const struct at_tls_frame frame = {.tls = tls, .entered_ns = bpf_ktime_get_ns()};
    const struct at_tls_key key = at_tls_key_of(bpf_get_current_task_btf(), tls);
    const struct at_tls_connection* connection = bpf_map_lookup_elem(&tls_connections, &key);
    if (!connection) return 0;
    if (connection->is_http) at_tls_tell(&frame, connection, AT_OP_CLOSE, 0, 0);
    bpf_map_delete_elem(&tls_connections, &key);
    return 0;
}

SEC("uprobe")
int at_tls_entry(struct pt_regs* regs) {
    struct at_tls_frame entered = {.tls = AT_ARG0(regs),
                                   .buffer = AT_ARG1(regs),
                                   .count = AT_FUNCTION_ARG3(regs),
                                   .stack = AT_STACK(regs),
                                   .fd = -1,
                                   .call = bpf_get_attach_cookie(regs)};
    struct at_thread* thread = at_watching ? at_known_thread(bpf_get_current_task_btf()) : 0;
    if (!thread) return 0;
    if (entered.call == AT_TLS_FREE) {
        at_tls_gone(entered.tls);
        return 0;
    }
    if (!(at_io_wanted & ~at_io_shed & AT_IO_SOCKETS)) return 0;
    if (entered.call == AT_TLS_SENDFILE || entered.call == AT_TLS_HANDSHAKE) entered.buffer = 0;
    if (!at_tls_has_count(entered.call)) entered.count = 0;
    __u32 depth = thread->tls_depth;
    for (int i = 0; i < AT_TLS_DEPTH; ++i) { /* those that were left without a return */
        if (!depth || thread->tls[(depth - 1) & (AT_TLS_DEPTH - 1)].stack > entered.stack) break;
        --depth;
    }
    if (depth >= AT_TLS_DEPTH) {
        at_count_state_full_preemptible();
        return 0;
    }
    entered.entered_ns = bpf_ktime_get_ns();
    thread->tls[depth & (AT_TLS_DEPTH - 1)] = entered;
    thread->tls_depth = depth + 1;
    return 0;
}

/* A return probe. */
SEC("uprobe")
int at_tls_return(struct pt_regs* regs) {
    const __u64 stack = AT_STACK(regs) - AT_RETURN_SLOT;
    const __u64 returned = AT_RESULT(regs);
    struct at_thread* thread = at_this_thread();
    if (!thread) return 0;
    for (int i = 0; i < AT_TLS_DEPTH; ++i) {
        const __u32 depth = thread->tls_depth;
        if (!depth || depth > AT_TLS_DEPTH) return 0;
        const struct at_tls_frame frame = thread->tls[(depth - 1) & (AT_TLS_DEPTH - 1)];
        if (frame.stack > stack) return 0; /* its entry was not told */
        thread->tls_depth = depth - 1;
        if (frame.stack < stack) continue; /* left without a return */
        __u64 count = 0;
        if (frame.count && bpf_probe_read_user(&count, sizeof count, (const void*)frame.count))
            at_count_read_failed_preemptible();
        at_tls_done(&frame, at_tls_moved(frame.call, returned, count));
        return 0;
    }
    return 0;
}

#endif
