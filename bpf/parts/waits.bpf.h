/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Waits for descriptors to become ready: poll, select, epoll. What was waited for is the wait of the first
 * I/O on one of the descriptors that were reported, once. What a wait reported is kept as the program was told
 * it and looked through only when there is such an I/O. Of a poll its first AT_MAX_POLLED descriptors count,
 * of an epoll_wait its first AT_MAX_EPOLLED events.
 *
 * A receive with a time-out is a poll of one descriptor, too (CPython's sockets, for one): in vain, it is told
 * as a receive that failed.
 */
#ifndef AUTOTUNE_BPF_PARTS_WAITS_BPF_H
#define AUTOTUNE_BPF_PARTS_WAITS_BPF_H

#define AT_POLLIN 0x1
#define AT_POLLOUT 0x4
#define AT_POLLERR 0x8
#define AT_POLLHUP 0x10
#define AT_ETIMEDOUT 110
#define AT_MAX_WATCHERS 4

#define AT_MAX_POLLED 32
#define AT_MAX_SELECTED 16
#define AT_MAX_EPOLLED 16

struct at_pollfd { /* struct pollfd */
    __s32 fd;
    __s16 events;
    __s16 revents;
};

struct at_epoll_event { /* struct epoll_event of programs, its data in halves: it is packed on x86 */
    __u32 events;
#if !defined(__TARGET_ARCH_x86)
    __u32 reserved;
#endif
    __u32 low, high;
};

/* A wait for descriptors and what it reported, as the program was told. */
struct at_wait {
    __u64 begin_ns;
    __u64 end_ns;
    __u64 epoll;  /* struct eventpoll* */
    __u32 call;   /* enum at_call */
    __u32 count;  /* of what is below */
    union {
        struct at_pollfd polled[AT_MAX_POLLED];
        __u64 selected[2][AT_MAX_SELECTED]; /* to read, to write; by number */
        struct at_epoll_event events[AT_MAX_EPOLLED];
    };
};

/* A thread's last. */
struct {
    __uint(type, BPF_MAP_TYPE_TASK_STORAGE);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, int);
    __type(value, struct at_wait);
} waits SEC(".maps");

AT_INLINE void at_polled_in_vain(struct task_struct* task, struct at_thread* thread, __u64 now) {
    struct at_pollfd polled = {};
    if (thread->args[1] != 1 || now - thread->enter_ns < AT_SLOW_EMPTY_NS) return;
    if (bpf_probe_read_user(&polled, sizeof polled, (const void*)thread->args[0]))
        return at_count_read_failed();
    if (!(polled.events & AT_POLLIN)) return;
    struct sock* sk = 0;
    if (at_look_up(task, polled.fd, &sk) != AT_FILE_SOCKET) return;
    if (at_control_of(task->tgid, polled.fd, sk)) return;
    thread->args[0] = polled.fd;
    thread->args[4] = 0;
    thread->sk = sk;
    thread->file = AT_FILE_SOCKET;
    thread->call = AT_CALL_RECVFROM;
    at_io_done(thread, -AT_ETIMEDOUT, now);
}

AT_INLINE void at_keep_selected(struct at_wait* wait, int set, const void* from, __u32 words) {
    if (words > AT_MAX_SELECTED) return;
    __builtin_memset(wait->selected[set], 0, sizeof wait->selected[set]);
    if (from && bpf_probe_read_user(wait->selected[set], words * sizeof(__u64), from)) at_count_read_failed();
}

AT_APART int at_wait_done(__s64 result, __u64 now) {
    struct task_struct* task = bpf_get_current_task_btf();
    struct at_thread* thread = at_this_thread();
    if (!thread) return 0;
    if (result == 0 && thread->call == AT_CALL_POLL) at_polled_in_vain(task, thread, now);
    if (result <= 0) return 0;
    struct at_wait* wait = bpf_task_storage_get(&waits, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
    if (!wait) {
        at_count_state_full();
        return 0;
    }
    __u64 count = thread->args[1];
    if (thread->call == AT_CALL_POLL) {
        if (count > AT_MAX_POLLED) count = AT_MAX_POLLED;
        barrier_var(count);
        if (count > AT_MAX_POLLED) return 0;
        if (bpf_probe_read_user(wait->polled, count * sizeof(struct at_pollfd), (const void*)thread->args[0])) {
            at_count_read_failed();
            return 0;
        }
    } else if (thread->call == AT_CALL_EPOLL_WAIT) {
        count = result < AT_MAX_EPOLLED ? result : AT_MAX_EPOLLED;
        barrier_var(count);
        if (count > AT_MAX_EPOLLED) return 0;
        if (bpf_probe_read_user(wait->events, count * sizeof(struct at_epoll_event),
                                (const void*)thread->args[1])) {
            at_count_read_failed();
            return 0;
        }
        struct file* file = at_file_of(task, thread->args[0]);
        wait->epoll = file ? (__u64)BPF_CORE_READ(file, private_data) : 0;
    } else {
        count = ((__u32)thread->args[0] + 63) / 64;
        if (count > AT_MAX_SELECTED) count = AT_MAX_SELECTED;
        barrier_var(count);
        at_keep_selected(wait, 0, (const void*)thread->args[1], count);
        at_keep_selected(wait, 1, (const void*)thread->args[2], count);
    }
    wait->call = thread->call;
    wait->count = count;
    wait->begin_ns = thread->enter_ns;
    wait->end_ns = now;
    thread->has_waited = 1;
    return 0;
}

AT_INLINE int at_poll_reported(const struct at_wait* wait, __u32 fd, __u32 ready) {
    for (__u32 i = 0; i < AT_MAX_POLLED; ++i) {
        if (i >= wait->count) break;
        const struct at_pollfd* p = &wait->polled[i];
        if ((__u32)p->fd == fd && p->revents & (ready | AT_POLLERR | AT_POLLHUP)) return 1;
    }
    return 0;
}

AT_INLINE int at_select_reported(const struct at_wait* wait, __u32 fd, __u32 ready) {
    const __u32 word = fd / 64;
    if (word >= AT_MAX_SELECTED) return 0;
    const __u64 bits = ready & AT_POLLIN ? wait->selected[0][word & (AT_MAX_SELECTED - 1)]
                                         : wait->selected[1][word & (AT_MAX_SELECTED - 1)];
    return bits >> (fd & 63) & 1;
}

/* What the program gave with the descriptor when it asked this epoll to watch it. */
AT_INLINE int at_epoll_data(struct task_struct* task, __u32 fd, __u64 epoll, __u64* data) {
    struct file* file = at_file_of(task, fd);
    if (!file || !bpf_core_field_exists(file->f_ep)) return 0;
    struct hlist_head* watchers = BPF_CORE_READ(file, f_ep);
    struct hlist_node* node = watchers ? BPF_CORE_READ(watchers, first) : 0;
    for (int i = 0; i < AT_MAX_WATCHERS; ++i) {
        if (!node) return 0;
        const struct epitem* item = (const void*)node - bpf_core_field_offset(struct epitem, fllink);
        if ((__u64)BPF_CORE_READ(item, ep) == epoll) {
            *data = BPF_CORE_READ(item, event.data);
            return 1;
        }
        node = BPF_CORE_READ(node, next);
    }
    return 0;
}

AT_INLINE int at_epoll_reported(struct task_struct* task, const struct at_wait* wait, __u32 fd, __u32 ready) {
    __u64 data = 0;
    if (!at_epoll_data(task, fd, wait->epoll, &data)) return 0;
    for (__u32 i = 0; i < AT_MAX_EPOLLED; ++i) {
        if (i >= wait->count) break;
        const struct at_epoll_event* e = &wait->events[i];
        if (e->low == (__u32)data && e->high == data >> 32 && e->events & (ready | AT_POLLERR | AT_POLLHUP))
            return 1;
    }
    return 0;
}

/*
 * How long the thread had waited for `fd` to be ready for this call; nobody else gets that wait then. What of
 * it was the connect's, that is told already, is left out.
 */
AT_INLINE __u64 at_take_wait(struct task_struct* task, struct at_thread* thread, __u32 fd, __u32 ready,
                             const struct sock* sk) {
    const struct at_wait* wait = bpf_task_storage_get(&waits, task, 0, 0);
    if (!wait) return 0;
    int reported = 0;
    if (wait->call == AT_CALL_POLL)
        reported = at_poll_reported(wait, fd, ready);
    else if (wait->call == AT_CALL_SELECT)
        reported = at_select_reported(wait, fd, ready);
    else
        reported = at_epoll_reported(task, wait, fd, ready);
    if (!reported) return 0;
    __u64 begin = wait->begin_ns;
    const __u64 end = wait->end_ns;
    thread->has_waited = 0;
    const struct at_owner* owner = at_owner_of(sk);
    if (owner && owner->connected_ns > begin) begin = owner->connected_ns;
    return end > begin ? end - begin : 0;
}

/* Of a call that is about to begin: on which of its descriptors may there have been a wait, and for what? */
AT_APART __u64 at_waited_for(__u32 call, __u32 fd, __u32 file, __u64 sk) {
    struct task_struct* task = bpf_get_current_task_btf();
    struct at_thread* thread = at_this_thread();
    if (!thread) return 0;
    if (at_waits(call)) {
        thread->has_waited = 0;
        return 0;
    }
    __u32 ready = AT_POLLIN;
    if (at_moves(call) && thread->from_file == AT_FILE_SOCKET)
        fd = thread->from_fd, sk = (__u64)thread->from_sk;
    else if (call != AT_CALL_ACCEPT && file != AT_FILE_SOCKET)
        return 0;
    else if (at_sends(call) || at_moves(call))
        ready = AT_POLLOUT;
    else if (!at_receives(call) && call != AT_CALL_ACCEPT)
        return 0;
    return at_take_wait(task, thread, fd, ready, (const struct sock*)sk);
}

#endif
