/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * When all calls are given up for the budget nothing but the Runtime API is left to hear. Nearly every call can then be
 * told apart before anything is looked up: by its first bytes, or by whether its process speaks to the API at all.
 */
#ifndef AUTOTUNE_BPF_PARTS_ONLY_BOUNDARIES_BPF_H
#define AUTOTUNE_BPF_PARTS_ONLY_BOUNDARIES_BPF_H

/* One of the first three arguments. */
AT_INLINE __u64 at_register(const struct pt_regs* regs, int index) {
    return index == 0 ? AT_ARG0(regs) : index == 1 ? AT_ARG1(regs) : AT_ARG2(regs);
}

AT_INLINE int at_only_boundaries(void) {
    return !(at_io_wanted & ~at_io_shed) && at_every_call != AT_CALLS_EACH && (!at_waits_wanted || at_waits_shed);
}

AT_INLINE int at_may_be_boundary(struct task_struct* task, __u32 call, const struct pt_regs* regs) {
    if (!at_can_be_control(call)) return 0;
    if (at_sends(call)) {
        struct at_bytes bytes;
        __u64 first;
        if (!at_first_bytes(call, AT_ARG1(regs), AT_ARG2(regs), &bytes)) return 1;
        if (at_first_words(&bytes, &first) != AT_FIRST_WORDS_OTHER) return 1;
    }
    if (!at_speaks[task->tgid & (AT_SPEAKERS - 1)]) return 0;
    if (call == AT_CALL_CLOSE_RANGE || call == AT_CALL_DUP) return 1;
    struct at_fd_key key = {.tgid = task->tgid, .fd = at_register(regs, at_descriptor(call))};
    const struct at_control* control = bpf_map_lookup_elem(&controls, &key);
    if (!control) return 0;
    /* What is sent after an answer began ends it; what is sent before is the rest of the request. */
    return at_sends(call) ? control->received != 0 : at_receives(call) ? control->awaiting != 0 : 1;
}

/*
 * The call was not told, for the budget's sake. Its descriptor was not looked at, so that calls on what is neither a
 * file nor a socket are counted too.
 */
AT_INLINE void at_pass_over(struct task_struct* task) {
    if (at_io_wanted && at_known_thread(task)) at_count_shed();
}

#endif
