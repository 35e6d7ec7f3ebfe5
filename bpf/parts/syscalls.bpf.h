/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* System calls of watched threads: one dispatch at entry, one at exit, what is between in task storage. */
#ifndef AUTOTUNE_BPF_PARTS_SYSCALLS_BPF_H
#define AUTOTUNE_BPF_PARTS_SYSCALLS_BPF_H

#define AT_F_DUPFD 0
#define AT_F_DUPFD_CLOEXEC 1030
#define AT_CLOSE_RANGE_CLOEXEC 4

/* Mappings of no file, descriptors that are neither opened nor waited for: nothing to tell. */
AT_INLINE int at_is_of_interest(__u32 call, const struct pt_regs* regs) {
    if (call == AT_CALL_MMAP) return !(AT_ARG3(regs) & AT_MAP_ANONYMOUS) && (__s32)AT_ARG4(regs) >= 0;
    if (call == AT_CALL_FCNTL)
        return (__u32)AT_ARG1(regs) == AT_F_DUPFD || (__u32)AT_ARG1(regs) == AT_F_DUPFD_CLOEXEC;
    return 1;
}

/* Is the call to be told? Counts those that are not for the budget's sake. */
AT_INLINE int at_is_io_wanted(const struct at_thread* thread, __u32 call, __u32 file) {
    if (!thread->scope) return 0;
    const __u32 kind = at_io_kind(call, file, thread->from_file);
    if (kind & at_io_wanted & ~at_io_shed) return 1;
    if ((kind & at_io_wanted) && kind != (AT_IO_FILES | AT_IO_SOCKETS)) at_count_shed();
    return 0;
}

SEC("tp_btf/sys_enter")
int BPF_PROG(at_sys_enter, struct pt_regs* regs, long number) {
    if ((unsigned long)number >= AT_SYSCALL_NUMBERS) return 0;
    struct task_struct* task = bpf_get_current_task_btf();
    if (at_is_foreign_abi(task)) return at_foreign_call();
    __u32 call = at_calls[number];
    if (call && !at_is_of_interest(call, regs)) call = AT_CALL_NONE;
    const int each = at_every_call == AT_CALLS_EACH;
    if (!call && !each) return 0;
    if (task->tgid == at_own_tgid) return 0;
    if (at_only_boundaries() && !at_may_be_boundary(task, call, regs)) {
        at_pass_over(task);
        return 0;
    }
    /* Of bystanders not every call is worth the whole search. */
    struct at_thread* thread = !at_watching ? 0 : call ? at_watched_thread(task) : at_known_thread(task);
    if (!thread && !(call && at_discover)) return 0;
    if (thread) thread->calls_since = at_calls_since;
    if (thread && each) at_call_begins(thread, number);
    if (!call) return 0;
    const __u64 fd = at_register(regs, at_descriptor(call));
    struct at_heard heard; /* when `request` says that something was */
    enum at_request request = AT_REQUEST_NONE;
    __u64 first = 0;
    if (at_sends(call)) {
        struct at_bytes bytes;
        enum at_first_words words = AT_FIRST_WORDS_UNREAD;
        if (at_first_bytes(call, AT_ARG1(regs), AT_ARG2(regs), &bytes)) words = at_first_words(&bytes, &first);
        if (words == AT_FIRST_WORDS_UNREAD) request = AT_REQUEST_UNREAD;
        if (words == AT_FIRST_WORDS_PERHAPS) {
            __builtin_memset(&heard, 0, sizeof heard);
            at_hear(fd, (__u64)bytes.at, bytes.size, &heard);
            request = heard.request;
        }
    }
    if (!thread) {
        /* Nobody asked for this cgroup; but who asks for an invocation is an executor. */
        __u64 scope = 0; /* perhaps: its exit will tell */
        if (request == AT_REQUEST_NEXT) {
            scope = at_cgroup_of(task);
            if (!at_watch(scope)) return 0;
        } else if (request != AT_REQUEST_UNREAD) {
            return 0;
        }
        thread = at_make_thread(task, scope, scope);
        if (!thread) return 0;
        thread->calls_since = at_calls_since;
    }
    thread->call = AT_CALL_NONE;
    thread->unread.at_ns = 0;
    struct sock* sk = 0;
    __u32 file = AT_FILE_OTHER;
    __u32 is_control = 0;
    if (at_needs_file(call)) {
        thread->sk = 0;
        file = at_look_up_into(task, fd, &thread->sk);
        sk = *(struct sock* volatile*)&thread->sk;
        thread->from_file = AT_FILE_OTHER;
        if (at_moves(call)) {
            thread->from_fd = at_register(regs, at_moved_from(call));
            thread->from_sk = 0;
            thread->from_file = at_look_up(task, thread->from_fd, &thread->from_sk);
        }
        if (file == AT_FILE_OTHER && thread->from_file == AT_FILE_OTHER && call != AT_CALL_CLOSE) return 0;
        if (call == AT_CALL_VMSPLICE) call = at_vmsplice_as(task, fd);
    }
    const __u64 waited_ns = thread->has_waited ? at_waited_for(call, fd, file, (__u64)sk) : 0;
    if (file == AT_FILE_SOCKET) {
        if (at_sends(call)) {
            if (request == AT_REQUEST_BEGUN) return 0;
            if (request == AT_REQUEST_UNREAD) {
                at_take_instant(&thread->unread);
            } else if (request != AT_REQUEST_NONE) {
                return at_tell_heard(fd, (__u64)sk, &heard);
            }
        }
        struct at_control* control = at_has_controls ? at_control_of(task->tgid, fd, sk) : 0;
        if (control && !thread->unread.at_ns) {
            /* Before the answer it is the rest of the request; after it, of another protocol. */
            if (at_sends(call) && control->received) control->awaiting = 0;
            if (!at_receives(call) || !control->awaiting) {
                if (call != AT_CALL_CLOSE) return 0;
            }
            is_control = 1;
        }
    }
    if (!thread->unread.at_ns && !is_control && !at_is_io_wanted(thread, call, file)) return 0;

    thread->args[0] = call == AT_CALL_SYNC_ALL ? (__u64)-1 : fd;
    thread->args[1] = AT_ARG1(regs);
    thread->args[2] = AT_ARG2(regs);
    thread->args[3] = AT_ARG3(regs);
    thread->args[4] = AT_ARG4(regs);
    thread->args[5] = AT_ARG5(regs);
    thread->sk = sk;
    thread->file = file;
    thread->is_control = is_control;
    thread->first_sent = first;
    thread->enter_ns = bpf_ktime_get_ns();
    thread->waited_ns = waited_ns;
    thread->call = call;
    if (call == AT_CALL_CONNECT) at_own((__u64)sk);
    return 0;
}

AT_INLINE int at_is_transfer(const struct at_thread* thread) {
    switch (thread->call) {
        case AT_CALL_RECVFROM:
        case AT_CALL_RECVMMSG: return !(thread->args[3] & AT_NOT_A_TRANSFER);
        case AT_CALL_RECVMSG: return !(thread->args[2] & AT_NOT_A_TRANSFER);
        default: return 1;
    }
}

/*
 * The end of a send whose bytes were not in memory at its entry; now they are. True when they were said to the
 * Runtime API: no I/O of the function's.
 */
AT_APART int at_hear_late(void) {
    struct task_struct* task = bpf_get_current_task_btf();
    struct at_thread* thread = at_this_thread();
    if (!thread) return 0;
    const __u32 fd = thread->args[0];
    struct at_heard heard = {};
    struct at_bytes bytes;
    if (at_first_bytes(thread->call, thread->args[1], thread->args[2], &bytes))
        at_hear(fd, (__u64)bytes.at, bytes.size, &heard);
    else
        heard.request = AT_REQUEST_UNREAD;
    if (heard.request == AT_REQUEST_BEGUN) return 1;
    if (heard.request == AT_REQUEST_UNREAD) at_count_read_failed();
    if (heard.request == AT_REQUEST_UNREAD || heard.request == AT_REQUEST_NONE) {
        struct at_control* control = at_control_of(task->tgid, fd, thread->sk);
        if (control && control->received) control->awaiting = 0;
        return control != 0;
    }
    if (!thread->scope) {
        const __u64 cgroup = at_cgroup_of(task);
        if (heard.request != AT_REQUEST_NEXT || !at_watch(cgroup)) return 1;
        thread = at_make_thread(task, cgroup, cgroup);
        if (!thread) return 1;
    }
    if (!at_note_request(thread->scope, fd, (__u64)thread->sk, &heard)) return 1;
    at_tell_times_before(thread->unread.at_ns);
    at_tell_request(&thread->unread, thread->scope, fd, (__u64)thread->sk, &heard);
    return 1;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(at_sys_exit, struct pt_regs* regs, long returned) {
    struct task_struct* task = bpf_get_current_task_btf();
    const long number = AT_NUMBER(regs);
    if (at_every_call == AT_CALLS_COUNTED) at_count_call(task, number, returned);
    /* Most calls are none of ours; that can be told without looking for the thread. */
    const __u32 may_be_ours = (unsigned long)number < AT_SYSCALL_NUMBERS ? at_calls[number] : AT_CALL_NONE;
    if (!may_be_ours && at_every_call != AT_CALLS_EACH && (!at_waits_wanted || at_waits_shed))
        return 0;
    const int only_boundaries = at_only_boundaries();
    if (only_boundaries && !at_can_be_control(may_be_ours)) return 0;
    struct at_thread* thread = bpf_task_storage_get(&threads, task, 0, 0);
    if (!thread) return 0;
    thread->has_told = 0;
    if (thread->calls_since != at_calls_since) { /* what it was in when we were last attached */
        thread->call = AT_CALL_NONE;
        thread->every_ns = 0;
        thread->unread.at_ns = 0;
        thread->calls_since = at_calls_since;
    }
    if (only_boundaries && !thread->is_control && !thread->unread.at_ns) {
        thread->call = AT_CALL_NONE; /* of a call that began when more was told, if any */
        return 0;
    }
    const __u32 call = thread->call;
    if (!call && !thread->every_ns && thread->ledger.cause == AT_AWAKE) return 0;
    const __u64 now = bpf_ktime_get_ns();
    if (at_waits_wanted && !at_waits_shed && thread->ledger.cause != AT_AWAKE) at_settle_early(now);
    if (thread->every_ns) at_call_ended(task, thread, regs, returned, now);
    if (!call) return 0;
    __s64 result = returned;
    if (call != AT_CALL_CLOSE && !at_is_transfer(thread)) goto out;

    if (thread->unread.at_ns) {
        if (result > 0 && at_hear_late()) goto out;
        if (!at_is_io_wanted(thread, call, thread->file)) goto out;
    }

    if (thread->is_control) {
        if (call == AT_CALL_CLOSE) {
            struct at_fd_key key = {.tgid = task->tgid, .fd = thread->args[0]};
            bpf_map_delete_elem(&controls, &key);
            at_tell_fd_change(task, thread, thread->args[0], thread->args[0], 0);
        } else if (result > 0 && call != AT_CALL_RECVMMSG) {
            struct at_control* control = at_control_of(task->tgid, thread->args[0], thread->sk);
            if (control) at_tell_answer(task, thread, control, result);
        }
        goto out;
    }

    switch (call) {
        case AT_CALL_CONNECT:
            if (at_worth_telling(result, at_latency(thread, now))) at_connect_done(result, now);
            break;
        case AT_CALL_FCNTL:
        case AT_CALL_DUP:
            if (result >= 0) at_tell_fd_change(task, thread, thread->args[0], result, 1);
            break;
        case AT_CALL_POLL:
        case AT_CALL_SELECT:
        case AT_CALL_EPOLL_WAIT: at_wait_done(result, now); break;
        case AT_CALL_IO_URING:
        case AT_CALL_AIO:
            if (result > 0)
                at_tell_not_decoded(task, thread, call == AT_CALL_AIO ? AT_NOT_AIO : AT_NOT_IO_URING, result);
            break;
        case AT_CALL_MMAP:
        case AT_CALL_MSYNC: at_map_done(result, now); break;
        case AT_CALL_SENDFILE:
        case AT_CALL_SPLICE:
        case AT_CALL_COPY_RANGE:
        case AT_CALL_TEE:
            if (at_worth_telling(result, at_latency(thread, now))) at_move_done(result, now);
            break;
        case AT_CALL_CLOSE_RANGE:
            if (!result && !(thread->args[2] & AT_CLOSE_RANGE_CLOEXEC))
                at_tell_fd_change(task, thread, thread->args[0], thread->args[1], 0);
            break;
        case AT_CALL_CLOSE:
            if (thread->file != AT_FILE_DATA) {
                at_tell_fd_change(task, thread, thread->args[0], thread->args[0], 0);
                break;
            }
            at_io_done(thread, result, now);
            break;
        case AT_CALL_ACCEPT:
            if (!at_worth_telling(result, at_latency(thread, now))) break;
            thread->file = AT_FILE_SOCKET;
            if (result >= 0) at_look_up(task, result, &thread->sk);
            if (result >= 0) at_own((__u64)thread->sk);
            at_io_done(thread, result, now);
            break;
        default:
            if (at_names(call))
                at_name_done(result, now);
            else if (!at_worth_telling(result, at_latency(thread, now)))
                break;
            else if (at_counts_messages(call) && result > 0)
                at_tell_messages(result, now);
            else
                at_io_done(thread, result, now);
    }
out:
    thread->call = AT_CALL_NONE;
    return 0;
}

#endif
