/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Copies of stacks that could not be walked, for user space to walk once it has read the process's tables. So the first
 * samples of a process, and those after a library was loaded, are as whole as all others, however late the agent is.
 * Each process may have so many for each version of its tables: code that no table will ever describe must not cost
 * a copy a sample.
 */
#ifndef AUTOTUNE_BPF_PARTS_STACK_COPY_BPF_H
#define AUTOTUNE_BPF_PARTS_STACK_COPY_BPF_H

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, AT_COPY_RING_BYTES);
} stack_copies SEC(".maps");

struct copy_budget {
    __u64 start_ns;
    __u32 space;
    __u32 used;
};

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 4096);
    __type(key, __u32);
    __type(value, struct copy_budget);
} copy_budgets SEC(".maps");

static __always_inline int may_copy(__u32 pid, __u64 start_ns, __u32 space) {
    struct copy_budget* known = bpf_map_lookup_elem(&copy_budgets, &pid);
    if (known && known->start_ns == start_ns && known->space == space)
        return __sync_fetch_and_add(&known->used, 1) < AT_MOST_COPIES;
    const struct copy_budget fresh = {.start_ns = start_ns, .space = space, .used = 1};
    bpf_map_update_elem(&copy_budgets, &pid, &fresh, BPF_ANY);
    return 1;
}

/* `space`: of the tables that did not suffice, 0 when there are none. Not 0: it was copied. */
static __always_inline int copy_stack(const struct at_sampler_head* head, __u32 pid, __u64 start_ns,
                                      const struct at_unwind_registers* registers, __u32 space) {
    if (!registers->sp || !may_copy(pid, start_ns, space)) return 0;
    struct at_stack_copy* copy = bpf_ringbuf_reserve(&stack_copies, sizeof *copy, 0);
    if (!copy) {
        count(AT_COUNT_NOT_COPIED);
        return 0;
    }
    copy->at_ns = head->at_ns;
    copy->tid = head->tid;
    copy->pages = 0;
    copy->ip = registers->ip;
    copy->sp = registers->sp;
    copy->bp = registers->bp;
    copy->base = registers->sp & ~(__u64)(AT_COPY_PAGE - 1);
#pragma unroll
    for (int i = 0; i < AT_COPY_PAGES; ++i) {
        if (bpf_probe_read_user(copy->bytes + i * AT_COPY_PAGE, AT_COPY_PAGE,
                                (const void*)(copy->base + i * AT_COPY_PAGE)))
            break;
        copy->pages = i + 1;
    }
    bpf_ringbuf_submit(copy, BPF_RB_NO_WAKEUP);
    return 1;
}

#endif
