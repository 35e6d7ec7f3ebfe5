/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* connect(2), also the kind that answers EINPROGRESS: its end is a change of the socket's state. */
#ifndef AUTOTUNE_BPF_PARTS_CONNECT_BPF_H
#define AUTOTUNE_BPF_PARTS_CONNECT_BPF_H

#define AT_TCP_ESTABLISHED 1
#define AT_TCP_SYN_SENT 2
#define AT_TCP_SYN_RECV 3
#define AT_TCP_CLOSE 7
#define AT_ECONNABORTED 103

/* Connects under way, by socket: the record as far as it can be filled in. */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 8192);
    __type(key, __u64);
    __type(value, struct at_io_record);
} connecting SEC(".maps");

/* Who connected or accepted a TCP socket: what happens to it later happens in anybody's context. */
struct at_owner {
    __u64 start_ns;
    __u64 scope;
    __u64 connected_ns; /* when a connect that did not wait had ended; 0: there was none */
    __s32 tgid;
    __s32 tid;
};

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 16384);
    __type(key, __u64);
    __type(value, struct at_owner);
} owners SEC(".maps");

AT_INLINE struct at_owner* at_owner_of(const struct sock* sk) {
    __u64 key = (__u64)sk;
    return bpf_map_lookup_elem(&owners, &key);
}

AT_APART int at_own(__u64 socket) {
    struct task_struct* task = bpf_get_current_task_btf();
    const struct at_thread* thread = at_this_thread();
    const struct sock* sk = (const struct sock*)socket;
    if (!thread) return 0;
    const unsigned short family = sk ? BPF_CORE_READ(sk, __sk_common.skc_family) : 0;
    if (family != AT_AF_INET && family != AT_AF_INET6) return 0;
    if (BPF_CORE_READ(sk, sk_type) != AT_SOCK_STREAM) return 0;
    struct at_owner owner = {.start_ns = AT_FOLLOW(task)->group_leader->start_boottime,
                             .scope = thread->scope,
                             .tgid = task->tgid,
                             .tid = task->pid};
    if (bpf_map_update_elem(&owners, &socket, &owner, BPF_ANY)) at_count_state_full();
    return 0;
}

/* But the connect of a watched thread has just made its owner. */
AT_INLINE void at_disown(const struct sock* sk, int state) {
    __u64 key = (__u64)sk;
    const struct at_owner* owner = at_owner_of(sk);
    if (!owner || (state == AT_TCP_SYN_SENT && owner->tgid == bpf_get_current_task_btf()->tgid)) return;
    bpf_map_delete_elem(&owners, &key);
}

AT_INLINE void at_tell_connected(__u64 key, const struct sock* sk, int state) {
    struct at_io_record* begun = bpf_map_lookup_elem(&connecting, &key);
    if (!begun) return;
    struct at_io_record done = *begun;
    /* Two may come here at once; who deletes it tells it. */
    if (bpf_map_delete_elem(&connecting, &key)) return;
    const __u64 now = bpf_ktime_get_ns();
    const int error = BPF_CORE_READ(sk, sk_err);
    struct at_owner* owner = at_owner_of(sk);
    if (owner) owner->connected_ns = now;
    done.latency_ns = now - done.header.at_ns;
    done.header.at_ns = now;
    done.result = state == AT_TCP_ESTABLISHED ? 0 : error ? -error : -AT_ECONNABORTED;
    struct at_io_record* r = at_reserve(AT_IO, sizeof *r);
    if (!r) return;
    *r = done;
    at_submit(r);
}

/* The connect of `begun` answered EINPROGRESS; begun->header.at_ns is when it was called. */
AT_INLINE void at_connect_later(const struct at_io_record* begun, const struct sock* sk) {
    const __u64 key = (__u64)sk;
    if (bpf_map_update_elem(&connecting, &key, begun, BPF_ANY)) return at_count_state_full();
    /* On the loopback the answer is often here before the call has returned. */
    const int state = BPF_CORE_READ(sk, __sk_common.skc_state);
    if (state != AT_TCP_SYN_SENT) at_tell_connected(key, sk, state);
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(at_socket_state, const struct sock* sk, int before, int after) {
    /* A new connection, perhaps where one that was owned has been. */
    if ((before == AT_TCP_SYN_RECV && after == AT_TCP_ESTABLISHED) || after == AT_TCP_SYN_SENT)
        at_disown(sk, after);
    if (before != AT_TCP_SYN_SENT) return 0;
    if (after != AT_TCP_ESTABLISHED && after != AT_TCP_CLOSE) return 0;
    at_tell_connected((__u64)sk, sk, after);
    return 0;
}

#endif
