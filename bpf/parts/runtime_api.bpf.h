/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Invocation boundaries, heard on the executor's own socket: the head of each request to the Runtime API
 * as the send begins, and the first bytes of the answer that brings work.
 */
#ifndef AUTOTUNE_BPF_PARTS_RUNTIME_API_BPF_H
#define AUTOTUNE_BPF_PARTS_RUNTIME_API_BPF_H

/* A connection on which the Runtime API was spoken. */
struct at_control {
    __u64 sk;       /* of another socket: the number was used again, the entry is stale */
    __u32 awaiting; /* GET …/next was sent, the head of the answer is still to come */
    __u32 received; /* bytes of that answer so far */
    __u32 stands_for; /* so many invocations */
    __u32 reserved;
};

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 16384);
    __type(key, struct at_fd_key);
    __type(value, struct at_control);
} controls SEC(".maps");

/* It was, on some; until then nobody need look. */
volatile __u32 at_has_controls = 0;

/* Processes that spoke it, by tgid; others may share their place. */
#define AT_SPEAKERS 4096
__u8 at_speaks[AT_SPEAKERS];

/* Up to AT_HEAD_SIZE of them; what was copied. */
AT_INLINE __u32 at_copy_head(char* to, const void* from, __u64 size) {
    __u32 n = size < AT_HEAD_SIZE ? size : AT_HEAD_SIZE;
    barrier_var(n);
    if (n > AT_HEAD_SIZE) n = AT_HEAD_SIZE;
    if (!n) return 0;
    if (!bpf_probe_read_user(to, n, from)) return n;
    at_count_read_failed();
    return 0;
}

/* What earlier sends began, then the bytes of this one. */
AT_INLINE __u32 at_copy_request(char* to, const struct at_heard* heard) {
    __u32 begun = heard->begun;
    if (!begun) return at_copy_head(to, heard->bytes.at, heard->bytes.size);
    barrier_var(begun);
    if (begun > AT_REQUEST_PREFIX) return 0;
    __builtin_memcpy(to, heard->text, AT_REQUEST_PREFIX);
    __u32 n = heard->bytes.size < AT_HEAD_SIZE - AT_REQUEST_PREFIX ? heard->bytes.size
                                                                   : AT_HEAD_SIZE - AT_REQUEST_PREFIX;
    barrier_var(n);
    if (n > AT_HEAD_SIZE - AT_REQUEST_PREFIX) return 0;
    if (!bpf_probe_read_user(to + begun, n, heard->bytes.at)) return begun + n;
    at_count_read_failed();
    return begun;
}

/* A request is sent: what will come on its connection. True when it is to be told. */
AT_APART int at_note_request(__u64 scope, __u32 fd, __u64 socket, const struct at_heard* heard) {
    struct task_struct* task = bpf_get_current_task_btf();
    if (!heard) return 0;
    const enum at_request request = heard->request;
    struct at_fd_key key = {.tgid = task->tgid, .fd = fd};
    struct at_control control = {.sk = socket, .awaiting = request == AT_REQUEST_NEXT};
    if (request == AT_REQUEST_NEXT) control.stands_for = at_choose(fd, scope, socket);
    struct at_control* known = bpf_map_lookup_elem(&controls, &key);
    if (known)
        *known = control; /* its own thread's; to replace the element costs five times as much */
    else if (bpf_map_update_elem(&controls, &key, &control, BPF_ANY))
        at_count_state_full();
    at_has_controls = 1;
    at_speaks[task->tgid & (AT_SPEAKERS - 1)] = 1;
    if (request == AT_REQUEST_NEXT) return control.stands_for != 0;
    return request != AT_REQUEST_INVOCATION || !at_ends_untold(heard);
}

AT_APART int at_tell_request(const struct at_instant* made, __u64 scope, __u32 fd, __u64 socket,
                             const struct at_heard* heard) {
    struct task_struct* task = bpf_get_current_task_btf();
    const struct sock* sk = (const struct sock*)socket;
    if (!made || !heard) return 0;
    struct at_request_head_record* r = at_reserve(AT_REQUEST_HEAD, sizeof *r);
    if (!r) return 0;
    at_fill_header_at(&r->header, AT_REQUEST_HEAD, sizeof *r, task, scope, made->at_ns);
    r->usage = made->usage;
    struct at_endpoint local;
    at_read_endpoints(sk, &local, &r->peer);
    r->fd = fd;
    r->reserved = 0;
    r->head_size = at_copy_request(r->head, heard);
    if (heard->request == AT_REQUEST_INIT_ERROR)
        at_submit_urgent(r);
    else
        at_submit(r);
    return 0;
}

/* The live entry of a descriptor, if it is a Runtime API connection. */
AT_INLINE struct at_control* at_control_of(__u32 tgid, __u32 fd, const struct sock* sk) {
    struct at_fd_key key = {.tgid = tgid, .fd = fd};
    struct at_control* control = bpf_map_lookup_elem(&controls, &key);
    return control && control->sk == (__u64)sk ? control : 0;
}

/*
 * `received` bytes arrived on a Runtime API connection. Parts are told until they hold AT_HEAD_SIZE bytes;
 * the agent puts the head together and knows where it ends.
 */
AT_INLINE void at_tell_answer(struct task_struct* task, const struct at_thread* thread,
                              struct at_control* control, __u32 received) {
    if (!control->awaiting) return;
    const __u32 offset = control->received;
    control->received += received;
    if (control->received >= AT_HEAD_SIZE) control->awaiting = 0;
    if (at_has_choices && at_keep_answer(offset, received)) return;
    if (!offset) at_tell_times_before(bpf_ktime_get_ns());
    struct at_answer_part_record* r = at_reserve(AT_ANSWER_PART, sizeof *r);
    if (!r) return;
    at_fill_header(&r->header, AT_ANSWER_PART, sizeof *r, task, thread->scope);
    at_read_usage(task, thread->scope, &r->usage);
    r->fd = thread->args[0];
    r->offset = offset;
    r->received = received;
    r->stands_for = control->stands_for;
    r->reserved = 0;
    struct at_bytes bytes;
    if (!at_first_bytes(thread->call, thread->args[1], thread->args[2], &bytes)) at_count_read_failed();
    r->part_size = at_copy_head(r->part, bytes.at, bytes.size < received ? bytes.size : received);
    if (!offset) at_choice_answered(at_choice_of(task->tgid), r->fd, r->part);
    at_submit(r);
}

#endif
