/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Bytes that go from one descriptor to another within the kernel: told at both ends. */
#ifndef AUTOTUNE_BPF_PARTS_MOVES_BPF_H
#define AUTOTUNE_BPF_PARTS_MOVES_BPF_H

#define AT_FMODE_WRITE 2

/*
 * The time is told once: at the end that is a socket, else at the one that is written to. A failure is told
 * there only: which end it was of is not known. What tee moves stays at the end that it came from.
 */
AT_APART int at_move_done(__s64 result, __u64 now) {
    struct at_thread* thread = at_this_thread();
    if (!thread) return 0;
    const __u32 from_file = thread->from_file;
    const __u64 from_fd = thread->from_fd;
    struct sock* from_sk = thread->from_sk;
    const int is_tee = thread->call == AT_CALL_TEE;
    const int from_waits = thread->file != AT_FILE_SOCKET && from_file == AT_FILE_SOCKET;
    const __u64 enter_ns = thread->enter_ns;
    const __u64 waited_ns = thread->waited_ns;
    if (thread->file != AT_FILE_OTHER && (result >= 0 || !from_waits)) {
        if (from_waits) thread->enter_ns = now, thread->waited_ns = 0;
        at_io_done(thread, result, now);
    }
    if (from_file == AT_FILE_OTHER || is_tee || (result < 0 && !from_waits)) return 0;
    thread->enter_ns = from_waits ? enter_ns : now;
    thread->waited_ns = from_waits ? waited_ns : 0;
    thread->call = AT_CALL_READ;
    thread->args[1] = 0; /* into no memory */
    thread->args[0] = from_fd;
    thread->file = from_file;
    thread->sk = from_sk;
    at_io_done(thread, result, now);
    return 0;
}

/* vmsplice is a write at one end of a pipe, a read at the other. */
AT_INLINE __u32 at_vmsplice_as(struct task_struct* task, __u64 fd) {
    struct file* file = at_file_of(task, fd);
    return file && BPF_CORE_READ(file, f_mode) & AT_FMODE_WRITE ? AT_CALL_WRITEV : AT_CALL_READV;
}

#endif
