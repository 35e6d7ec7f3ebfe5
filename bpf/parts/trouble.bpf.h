/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* TCP connections in trouble: what was sent again, resets of either side; told of those whose owner is known. */
#ifndef AUTOTUNE_BPF_PARTS_TROUBLE_BPF_H
#define AUTOTUNE_BPF_PARTS_TROUBLE_BPF_H

AT_INLINE int at_tell_trouble(const struct sock* sk, __u32 trouble) {
    const struct at_owner* owner = at_owner_of(sk);
    if (!owner || !(at_io_wanted & ~at_io_shed & AT_IO_SOCKETS)) return 0;
    struct at_trouble_record* r = at_reserve(AT_TROUBLE, sizeof *r);
    if (!r) return 0;
    r->header.at_ns = bpf_ktime_get_ns();
    r->header.start_ns = owner->start_ns;
    r->header.cgroup = owner->scope;
    r->header.tgid = owner->tgid;
    r->header.tid = owner->tid;
    r->header.kind = AT_TROUBLE;
    r->header.size = sizeof *r;
    at_read_endpoints(sk, &r->local, &r->peer);
    if (!r->local.port) { /* closed, but not gone */
        r->local.family = r->peer.family;
        r->local.port = bpf_ntohs(BPF_CORE_READ((const struct inet_sock*)sk, inet_sport));
    }
    r->trouble = trouble;
    r->reserved = 0;
    at_submit(r);
    return 0;
}

SEC("tp_btf/tcp_retransmit_skb")
int BPF_PROG(at_retransmitted, const struct sock* sk) { return at_tell_trouble(sk, AT_RETRANSMIT); }

SEC("tp_btf/tcp_send_reset")
int BPF_PROG(at_reset_sent, const struct sock* sk) { return at_tell_trouble(sk, AT_RESET_SENT); }

SEC("tp_btf/tcp_receive_reset")
int BPF_PROG(at_reset_received, const struct sock* sk) { return at_tell_trouble(sk, AT_RESET_RECEIVED); }

#endif
