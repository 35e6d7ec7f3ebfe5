/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Registers, maps, counts. */
#ifndef AUTOTUNE_BPF_PARTS_NATIVE_COMMON_BPF_H
#define AUTOTUNE_BPF_PARTS_NATIVE_COMMON_BPF_H

#define AT_INLINE static __always_inline

/* The registers of user space, as the kernel's pt_regs has them. */
#if defined(__TARGET_ARCH_x86)
struct at_registers {
    __u64 r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di, orig_ax, ip, cs, flags, sp, ss;
};
#define AT_PC(r) ((r)->ip)
#elif defined(__TARGET_ARCH_arm64)
struct at_registers {
    __u64 regs[31], sp, pc, pstate;
};
#define AT_PC(r) ((r)->pc)
#else
#error "no registers known for this architecture"
#endif

/* Changed by the agent while we run. */
volatile __u32 at_native_generation = 1; /* of the wish: what was admitted by an older one is asked again */
volatile __u32 at_native_each = 1;       /* a record for each call; 0: sums only */

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 8 << 20);
} native_records SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct at_native_function);
} native_functions SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_TASK_STORAGE);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, int);
    __type(value, struct at_call_stack);
} native_stacks SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __uint(max_entries, AT_MAX_CALL_TOTALS);
    __type(key, struct at_call_key);
    __type(value, struct at_call_sums);
} native_sums SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct at_native_counts);
} native_counts SEC(".maps");

/* Atomic: a uprobe's program may be preempted by another on the same CPU. */
#define AT_NATIVE_COUNT(what)                                                              \
    do {                                                                                   \
        __u32 at_zero = 0;                                                                 \
        struct at_native_counts* at_all = bpf_map_lookup_elem(&native_counts, &at_zero);   \
        if (at_all) __sync_fetch_and_add(&at_all->what, 1);                                \
    } while (0)

AT_INLINE void at_native_fill(struct at_native_head* h, const struct at_call_stack* s, __u32 kind, __u32 index,
                              __u64 at_ns) {
    h->at_ns = at_ns;
    h->start_ns = s->process_start_ns;
    h->cgroup = bpf_get_current_cgroup_id();
    h->tgid = s->tgid;
    h->tid = s->tid;
    h->kind = kind;
    h->index = index;
}

#endif
