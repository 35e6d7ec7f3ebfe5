/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Calls that name a file, and mappings of files. */
#ifndef AUTOTUNE_BPF_PARTS_NAMES_BPF_H
#define AUTOTUNE_BPF_PARTS_NAMES_BPF_H

#define AT_FDCWD_NUMBER (-100)
#define AT_MAP_ANONYMOUS 0x20
#define AT_MAP_EXECUTABLE 4 /* PROT_EXEC */

AT_INLINE __u64 at_argument(const struct at_thread* thread, int index) {
    switch (index) {
        case 0: return thread->args[0];
        case 1: return thread->args[1];
        case 2: return thread->args[2];
        default: return thread->args[3];
    }
}

AT_APART int at_name_done(__s64 result, __u64 now) {
    struct task_struct* task = bpf_get_current_task_btf();
    const struct at_thread* thread = at_this_thread();
    if (!thread) return 0;
    struct at_io_path_record* r = at_reserve(AT_IO_PATH, sizeof *r);
    if (!r) return 0;
    at_fill_io(&r->io, task, thread, result, now);
    r->io.header.kind = AT_IO_PATH;
    r->io.header.size = sizeof *r;
    r->io.file = AT_FILE_DATA;
    const int directory = at_directory_argument(thread->call);
    r->io.fd = directory < 0 ? AT_FDCWD_NUMBER : (__s32)at_argument(thread, directory);
    r->path[0] = 0;
    /* Now the kernel has read it, so it is in memory. */
    const void* path = (const void*)at_argument(thread, at_path_argument(thread->call));
    const long size = bpf_probe_read_user_str(r->path, sizeof r->path, path);
    if (size < 0) at_count_read_failed();
    char next = 0;
    if (size == sizeof r->path && !bpf_probe_read_user(&next, 1, path + sizeof r->path - 1) && next)
        r->io.flags |= AT_IO_PATH_CUT;
    at_submit(r);
    return 0;
}

AT_APART int at_map_done(__s64 result, __u64 now) {
    struct task_struct* task = bpf_get_current_task_btf();
    const struct at_thread* thread = at_this_thread();
    if (!thread) return 0;
    struct at_map_record* r = at_reserve(AT_MAP, sizeof *r);
    if (!r) return 0;
    const int is_map = thread->call == AT_CALL_MMAP;
    const int failed = result < 0 && result >= -4095;
    at_fill_header_at(&r->header, AT_MAP, sizeof *r, task, thread->scope, now);
    r->result = failed ? result : 0;
    r->latency_ns = now - thread->enter_ns;
    r->address = is_map && !failed ? (__u64)result : thread->args[0];
    r->bytes = thread->args[1];
    r->fd = is_map ? (__s32)thread->args[4] : -1;
    r->op = at_op_of(thread->call, AT_FILE_DATA);
    r->is_new_code = is_map && !failed && (thread->args[2] & AT_MAP_EXECUTABLE) &&
                     at_is_new_code(at_file_of(task, thread->args[4]));
    if (r->is_new_code)
        at_submit_urgent(r);
    else
        at_submit(r);
    return 0;
}

#endif
