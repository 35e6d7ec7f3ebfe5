/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Which connection an SSL object speaks on: the socket that was read from in a call that reads plain text, or written
 * to in one that writes it. So nothing needs to be known of the library's structures, and objects that are given
 * their bytes in memory (asyncio, Node) have none.
 */
#ifndef AUTOTUNE_BPF_PARTS_TLS_STATE_BPF_H
#define AUTOTUNE_BPF_PARTS_TLS_STATE_BPF_H

struct at_tls_key {
    __u64 tls;
    __u32 tgid;
    __u32 reserved;
};

struct at_tls_connection {
    __u64 sk; /* 0: not known */
    __s32 fd;
    __u32 is_http;
    /* How much of what comes next may still be a head. */
    __u32 left_received;
    __u32 left_sent;
};

/* Who is pushed out begins anew with its next message, and its record says so. */
struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 8192);
    __type(key, struct at_tls_key);
    __type(value, struct at_tls_connection);
} tls_connections SEC(".maps");

/*
 * The running thread's transfer on a socket has moved bytes. If it is in calls of the TLS library, they are learnt
 * from. True when the bytes are that library's: not to be read.
 */
AT_APART int at_is_of_tls(void) {
    struct at_thread* thread = at_this_thread();
    if (!thread) return 0;
    const struct pt_regs* regs = (const void*)bpf_task_pt_regs(bpf_get_current_task_btf());
    const __u64 stack = AT_STACK(regs);
    const int sends = at_sends(thread->call);
    int is_of_tls = 0;
    for (__u32 i = 0; i < AT_TLS_DEPTH; ++i) {
        struct at_tls_frame* frame = &thread->tls[i];
        if (i >= thread->tls_depth || frame->stack <= stack) break; /* left without a return, as by longjmp */
        const int is_same_way = sends ? at_tls_writes(frame->call) : at_tls_reads(frame->call);
        if (!is_same_way && frame->call != AT_TLS_HANDSHAKE) continue;
        frame->sk = (__u64)thread->sk;
        frame->fd = thread->args[0];
        is_of_tls |= is_same_way;
    }
    return is_of_tls;
}

#endif
