/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What is done in a way that we do not look into is counted at least. */
#ifndef AUTOTUNE_BPF_PARTS_NOT_DECODED_BPF_H
#define AUTOTUNE_BPF_PARTS_NOT_DECODED_BPF_H

AT_INLINE void at_fill_not_decoded(struct at_not_decoded_record* r, struct task_struct* task,
                                   const struct at_thread* thread, __u32 what, __u64 count) {
    at_fill_header(&r->header, AT_NOT_DECODED, sizeof *r, task, thread->scope);
    r->count = count;
    r->what = what;
    r->reserved = 0;
}

AT_INLINE void at_tell_not_decoded(struct task_struct* task, const struct at_thread* thread, __u32 what,
                                   __u64 count) {
    struct at_not_decoded_record* r = at_reserve(AT_NOT_DECODED, sizeof *r);
    if (!r) return;
    at_fill_not_decoded(r, task, thread, what, count);
    at_submit(r);
}

/* The running thread, if it is watched, makes a system call of another ABI. */
AT_APART int at_foreign_call(void) {
    struct task_struct* task = bpf_get_current_task_btf();
    if (!at_io_wanted || task->tgid == at_own_tgid) return 0;
    const struct at_thread* thread = at_watched_thread(task);
    if (thread) at_tell_not_decoded(task, thread, AT_NOT_32_BIT, 1);
    return 0;
}

#endif
