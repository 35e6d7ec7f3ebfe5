/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * HTTP/1.x on plain sockets: what begins like a head is copied, and what follows in the same direction while the
 * head may go on; of other transfers on such a connection only the last five bytes are looked at. The agent makes
 * exchanges of it. Looked at when the call has ended: then the bytes are in memory, also those that were sent.
 */
#ifndef AUTOTUNE_BPF_PARTS_HTTP_BPF_H
#define AUTOTUNE_BPF_PARTS_HTTP_BPF_H

#define AT_CONVERSATIONS 4096
#define AT_HTTP_MOST 8192 /* copied of one head */
#define AT_HTTP_ALSO_BODY 0x10000 /* … and of what follows it */

/* What at_tell_http says beside flags of a record: a server has its work, or answers; how much is to be copied. */
#define AT_HTTP_SERVERS_TURN 0x10000
#define AT_HTTP_LEFT_SHIFT 17

/* Direct-mapped by socket; who is pushed out loses the rest of a head that came in parts. */
__u64 at_http_sockets[AT_CONVERSATIONS];
/* How much of what comes next may still be the head. */
__u32 at_http_left_received[AT_CONVERSATIONS];
__u32 at_http_left_sent[AT_CONVERSATIONS];

/* The last piece of memory that a call has sent from, in whole or in part. False when that cannot be told. */
AT_INLINE int at_last_bytes(const struct at_thread* thread, const struct at_bytes* first, __u64 moved,
                            struct at_bytes* last) {
    __u64 vector = thread->args[1];
    __u64 pieces = thread->args[2];
    *last = *first;
    if (last->size >= moved) {
        last->size = moved;
        return 1;
    }
    if (!at_sends(thread->call)) return 0;
    if (thread->call == AT_CALL_SENDMSG) {
        __u64 of_message[2] = {};
        if (bpf_probe_read_user(of_message, sizeof of_message, (const void*)(thread->args[1] + 16))) return 0;
        vector = of_message[0];
        pieces = of_message[1];
    } else if (thread->call != AT_CALL_WRITEV) {
        return 0;
    }
    if (!pieces || pieces > 1024) return 0;
    return !bpf_probe_read_user(last, sizeof *last, (const void*)(vector + (pieces - 1) * sizeof *last));
}

/* `heard`: what at_tell_http gave of the transfer; `siblings`: at_siblings() when it is a server's turn. Neither is
 * asked here: the stack of Linux 6.1 has no room for that. */
AT_APART int at_copy_http(const struct at_thread* thread, __s64 moved, __u64 now, __u32 heard, __u64 siblings) {
    struct task_struct* task = bpf_get_current_task_btf();
    struct at_bytes bytes;
    if (!thread || !at_first_bytes(thread->call, thread->args[1], thread->args[2], &bytes)) return 0;
    const __u64 most = heard >> AT_HTTP_LEFT_SHIFT;
    struct at_http_record* r = at_reserve(AT_HTTP, sizeof *r);
    if (!r) return 0;
    at_fill_header_at(&r->header, AT_HTTP, sizeof *r, task, thread->scope, now);
    r->latency_ns = now - thread->enter_ns + thread->waited_ns;
    r->moved = moved;
    r->fd = thread->args[0];
    r->op = at_op_of(thread->call, thread->file);
    r->reserved = 0;
    r->tls = 0;
    r->flags = heard & AT_IO_LAST_CHUNK;
    if (heard & AT_HTTP_SERVERS_TURN)
        at_read_usage_beside(task, thread->scope, &r->usage, siblings);
    else
        __builtin_memset(&r->usage, 0, sizeof r->usage);
    at_read_endpoints(thread->sk, &r->local, &r->peer);
    __u64 n = bytes.size < (__u64)moved ? bytes.size : (__u64)moved;
    if (n > most) n = most;
    barrier_var(n);
    if (n > AT_HTTP_SIZE) n = AT_HTTP_SIZE;
    r->size = n;
    r->reserved2 = 0;
    if (bpf_probe_read_user(r->text, n, bytes.at)) {
        r->size = 0;
        at_count_read_failed();
    }
    at_submit(r);
    return 0;
}

/*
 * The transfer on a socket that the running thread, `thread`, is in has moved `moved` bytes. Gives the flags that its
 * record has on this account, and with AT_IO_IN_HTTP what at_copy_http is to do.
 */
AT_APART int at_tell_http(const struct at_thread* thread, __s64 moved) {
    struct task_struct* task = bpf_get_current_task_btf();
    if (!thread || moved <= 0) return 0;
    const int is_send = at_sends(thread->call);
    if (!is_send && !at_receives(thread->call)) return 0;
    struct at_bytes bytes;
    if (!at_first_bytes(thread->call, thread->args[1], thread->args[2], &bytes) || !bytes.at) return 0;
    const struct sock* socket = thread->sk;
    const __u64 sk = (__u64)socket;
    const __u32 slot = (sk >> 6 ^ sk >> 18) & (AT_CONVERSATIONS - 1);
    char first[AT_HTTP_BEGINNING] = {};
    int begins = 0;
    __u64 known = is_send ? thread->first_sent : 0;
    __builtin_memcpy(first, &known, sizeof first);
    if (bytes.size >= sizeof first && moved >= (__s64)sizeof first &&
        (known || !bpf_probe_read_user(first, sizeof first, bytes.at))) {
        begins = at_begins_http(first) && BPF_CORE_READ(socket, sk_type) == AT_SOCK_STREAM;
        if (at_begins_http2(first)) at_tell_not_decoded(task, thread, AT_NOT_HTTP2, 1);
    }
    if (begins) {
        at_http_sockets[slot] = sk;
        const __u32 other_way = at_begins_answer(first) ? 0 : AT_HTTP_MOST; /* an answer may begin with less */
        const __u32 also_body = !is_send && at_begins_action(first) ? AT_HTTP_ALSO_BODY : 0;
        at_http_left_received[slot] = is_send ? other_way : AT_HTTP_MOST | also_body;
        at_http_left_sent[slot] = is_send ? AT_HTTP_MOST : other_way;
    } else if (at_http_sockets[slot] != sk) {
        return 0;
    }
    char ending[AT_HTTP_ENDING] = {};
    struct at_bytes last;
    if (at_last_bytes(thread, &bytes, moved, &last) && last.size >= sizeof ending)
        bpf_probe_read_user(ending, sizeof ending, last.at + last.size - sizeof ending);
    const __u16 flags = at_ends_chunks(ending) ? AT_IO_LAST_CHUNK : 0;
    const __u32 marked = is_send ? at_http_left_sent[slot] : at_http_left_received[slot];
    const __u32 also_body = marked & AT_HTTP_ALSO_BODY;
    const __u32 left = marked - also_body;
    if (!left) return flags;
    const int is_over = (!also_body && at_ends_head(ending)) || (__u64)moved >= left;
    const __u32 then = is_over ? 0 : marked - (__u32)moved;
    if (is_send)
        at_http_left_sent[slot] = then;
    else
        at_http_left_received[slot] = then;
    const int is_servers = also_body || (begins && is_send == at_begins_answer(first));
    return flags | AT_IO_IN_HTTP | (is_servers ? AT_HTTP_SERVERS_TURN : 0) | left << AT_HTTP_LEFT_SHIFT;
}

#endif
