/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * sendmmsg and recvmmsg: they return messages, we tell bytes. On a connected socket one record a call; else
 * one a message, each with its own peer, and the time is the first one's.
 */
#ifndef AUTOTUNE_BPF_PARTS_MESSAGES_BPF_H
#define AUTOTUNE_BPF_PARTS_MESSAGES_BPF_H

#define AT_MAX_MESSAGES 1024 /* the kernel takes no more at once */

struct at_mmsghdr { /* struct mmsghdr */
    __u64 name;
    __u32 name_size;
    __u32 unused;
    __u64 others[5];
    __u32 bytes;
    __u32 reserved;
};

struct at_message_sum {
    __u64 vector;
    __u64 bytes;
};

static long at_add_message(__u32 index, struct at_message_sum* sum) {
    const struct at_mmsghdr* message = (const void*)(sum->vector + index * sizeof *message);
    __u32 bytes = 0;
    if (bpf_probe_read_user(&bytes, sizeof bytes, &message->bytes)) at_count_read_failed();
    sum->bytes += bytes;
    return 0;
}

AT_INLINE __s64 at_message_bytes(__u64 vector, __s64 messages) {
    struct at_message_sum sum = {.vector = vector};
    bpf_loop(messages < AT_MAX_MESSAGES ? messages : AT_MAX_MESSAGES, at_add_message, &sum, 0);
    return sum.bytes;
}

/* Small: frames on the way to at_tell_on_unix share 512 bytes. */
struct at_message_list {
    __u64 vector;
    __u64 now;
};

static long at_tell_message(__u32 index, struct at_message_list* list) {
    struct task_struct* task = bpf_get_current_task_btf();
    const struct at_thread* thread = at_this_thread();
    const struct at_mmsghdr* message = (const void*)(list->vector + index * sizeof *message);
    __u64 name = 0;
    __u32 name_size = 0, bytes = 0;
    if (!thread) return 1;
    if (bpf_probe_read_user(&name, sizeof name, &message->name) ||
        bpf_probe_read_user(&name_size, sizeof name_size, &message->name_size) ||
        bpf_probe_read_user(&bytes, sizeof bytes, &message->bytes))
        at_count_read_failed();
    struct at_io_record told;
    at_fill_io(&told, task, thread, bytes, list->now);
    if (index) told.latency_ns = told.waited_ns = 0;
    if (told.local.family == AT_AF_UNIX) {
        at_tell_on_unix(&told, (__u64)thread->sk, name, name_size);
        return 0;
    }
    __builtin_memset(&told.peer, 0, sizeof told.peer);
    at_read_sockaddr((const void*)name, &told.peer);
    struct at_io_record* r = at_reserve(AT_IO, sizeof *r);
    if (!r) return 0;
    *r = told;
    at_submit(r);
    return 0;
}

AT_INLINE int at_is_connected(const struct sock* sk) {
    if (at_is_unix(sk)) return AT_READ(struct unix_sock, sk, peer) != 0;
    return !sk || AT_READ(struct sock, sk, __sk_common.skc_dport) != 0;
}

AT_APART int at_tell_messages(__s64 messages, __u64 now) {
    const struct at_thread* thread = at_this_thread();
    if (!thread) return 0;
    if (at_is_connected(thread->sk)) return at_io_done(thread, at_message_bytes(thread->args[1], messages), now);
    struct at_message_list list = {.vector = thread->args[1], .now = now};
    bpf_loop(messages < AT_MAX_MESSAGES ? messages : AT_MAX_MESSAGES, at_tell_message, &list, 0);
    return 0;
}

#endif
