/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Memory that traced threads are given, by stack: pages, when the kernel takes them for a thread, or address space, when
 * it asks for some.
 */
#ifndef AUTOTUNE_BPF_PARTS_SAMPLE_MEMORY_BPF_H
#define AUTOTUNE_BPF_PARTS_SAMPLE_MEMORY_BPF_H

#include "bpf/logic/page_kind.h"

const volatile __u64 page_bytes = 4096;

/* At the stack of the running thread. */
static __always_inline int tell_memory(void* ctx, __u64 bytes) {
    const __u64 scope = scope_of_current();
    if (!scope) return 0;
    struct task_struct___sampler* task = (void*)bpf_get_current_task_btf();
    if (!task->mm) return 0;
    struct scratch* s = this_scratch();
    if (!s || !begin_sample(s, scope, task)) return 0;
    struct at_unwind_registers registers = {};
    saved_registers(&registers);
    take_stack(ctx, s, task, &registers, AT_SAMPLE_MEMORY);
    tell_sample(s, AT_SAMPLE_MEMORY, bytes);
    return 0;
}

SEC("tp_btf/mm_page_alloc")
int BPF_PROG(on_page, void* page, unsigned order, unsigned gfp) {
    if (!page || !at_is_own_memory(gfp, order)) return 0;
    return tell_memory(ctx, page_bytes << (order & 31));
}

#if defined(__TARGET_ARCH_x86)
#define AT_MMAP 9
#define AT_BRK 12
#define AT_MREMAP 25
#define AT_ANONYMOUS 0x20
#define AT_COMPAT 2 /* TS_COMPAT: other numbers */

/* Where the heap ended before a call of brk; by thread. */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 10240);
    __type(key, __u32);
    __type(value, __u64);
} heap_ends SEC(".maps");

static __always_inline __u64 pages_of(__u64 bytes) { return (bytes + page_bytes - 1) & ~(page_bytes - 1); }

SEC("tp_btf/sys_enter")
int BPF_PROG(on_heap, struct pt_regs___sampler* regs, long number) {
    if (number != AT_BRK || !scope_of_current()) return 0;
    struct task_struct___sampler* task = (void*)bpf_get_current_task_btf();
    const __u64 end = BPF_CORE_READ(task, mm, brk);
    const __u32 tid = bpf_get_current_pid_tgid();
    if (bpf_map_update_elem(&heap_ends, &tid, &end, BPF_ANY)) count(AT_COUNT_STATE_FULL);
    return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_growth, struct pt_regs___sampler* regs, long result) {
    const unsigned long number = regs->orig_ax;
    if (number != AT_MMAP && number != AT_BRK && number != AT_MREMAP) return 0;
    struct task_struct___sampler* task = (void*)bpf_get_current_task_btf();
    if (task->thread_info.status & AT_COMPAT) return 0;
    __u64 bytes = 0;
    if (number == AT_BRK) {
        const __u32 tid = bpf_get_current_pid_tgid();
        const __u64* before = bpf_map_lookup_elem(&heap_ends, &tid);
        if (!before) return 0;
        if ((__u64)result > *before) bytes = pages_of(result) - pages_of(*before);
        bpf_map_delete_elem(&heap_ends, &tid);
    } else if (result < 0 && result > -4096) {
        return 0;
    } else if (number == AT_MMAP) {
        if (regs->r10 & AT_ANONYMOUS) bytes = pages_of(regs->si);
    } else if (pages_of(regs->dx) > pages_of(regs->si)) {
        bytes = pages_of(regs->dx) - pages_of(regs->si);
    }
    return bytes ? tell_memory(ctx, bytes) : 0;
}
#endif

#endif
