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

struct at_message_list {
    struct at_io_record told; /* the next one's */
    __u64 vector;
    const struct sock* sk;
};

static long at_tell_message(__u32 index, struct at_message_list* list) {
    struct at_mmsghdr message = {};
    if (bpf_probe_read_user(&message, sizeof message, (const void*)(list->vector + index * sizeof message)))
        at_count_read_failed();
    list->told.result = message.bytes;
    if (list->told.local.family == AT_AF_UNIX) {
        at_tell_on_unix(&list->told, (__u64)list->sk, message.name, message.name_size);
    } else {
        __builtin_memset(&list->told.peer, 0, sizeof list->told.peer);
        at_read_sockaddr((const void*)message.name, &list->told.peer);
        struct at_io_record* r = at_reserve(AT_IO, sizeof *r);
        if (r) {
            *r = list->told;
            at_submit(r);
        }
    }
    list->told.latency_ns = 0;
    return 0;
}

AT_INLINE int at_is_connected(const struct sock* sk) {
    if (at_is_unix(sk)) return BPF_CORE_READ((const struct unix_sock*)sk, peer) != 0;
    return !sk || BPF_CORE_READ(sk, __sk_common.skc_dport) != 0;
}

AT_APART int at_tell_messages(__s64 messages, __u64 now) {
    struct task_struct* task = bpf_get_current_task_btf();
    struct at_thread* thread = at_this_thread();
    if (!thread) return 0;
    if (at_is_connected(thread->sk)) {
        at_io_done(at_message_bytes(thread->args[1], messages), now);
        return 0;
    }
    struct at_message_list list = {.vector = thread->args[1], .sk = thread->sk};
    at_fill_io(&list.told, task, thread, 0, now);
    bpf_loop(messages < AT_MAX_MESSAGES ? messages : AT_MAX_MESSAGES, at_tell_message, &list, 0);
    return 0;
}

#endif
