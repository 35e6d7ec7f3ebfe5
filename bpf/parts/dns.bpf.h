/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What name servers answer: the agent reads it (agent/dns). */
#ifndef AUTOTUNE_BPF_PARTS_DNS_BPF_H
#define AUTOTUNE_BPF_PARTS_DNS_BPF_H

#define AT_DNS_PORT 53
#define AT_DNS_HEADER 12

/* The receive that the running thread is in has brought `received` bytes from a name server. */
AT_APART int at_tell_names(__s64 received) {
    struct task_struct* task = bpf_get_current_task_btf();
    const struct at_thread* thread = at_this_thread();
    if (!thread || received < AT_DNS_HEADER) return 0;
    struct at_bytes bytes;
    if (!at_first_bytes(thread->call, thread->args[1], thread->args[2], &bytes)) at_count_read_failed();
    __u64 n = bytes.size < (__u64)received ? bytes.size : (__u64)received;
    if (n > AT_NAMES_SIZE) n = AT_NAMES_SIZE;
    struct at_names_record* r = at_reserve(AT_NAMES, sizeof *r);
    if (!r) return 0;
    at_fill_header(&r->header, AT_NAMES, sizeof *r, task, thread->scope);
    barrier_var(n);
    if (n > AT_NAMES_SIZE) n = AT_NAMES_SIZE;
    r->size = n;
    const struct sock* sk = thread->sk;
    r->is_stream = BPF_CORE_READ(sk, sk_type) == AT_SOCK_STREAM;
    if (bpf_probe_read_user(r->answer, n, bytes.at)) {
        r->size = 0;
        at_count_read_failed();
    }
    at_submit(r);
    return 0;
}

#endif
