/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What is told once, and from then on by its number: processes and the addresses of native frames (stacks:
 * sample_stack.bpf.h). Something has its number only when it has been told: then it comes before all that refers to it.
 */
#ifndef AUTOTUNE_BPF_PARTS_TOLD_BPF_H
#define AUTOTUNE_BPF_PARTS_TOLD_BPF_H

struct told_process {
    __u64 start_ns;
    __u64 cgroup;
    __u32 number;
    __u32 reserved;
};

/* What falls out is told again, under another number. */
struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, AT_KEPT_PROCESSES);
    __type(key, __u32);
    __type(value, struct told_process);
} told_processes SEC(".maps");

__u32 last_process = 0;

/* 0: there was no room to tell it. A function of its own that is not static: verified once. */
__noinline __u32 process_number(__u32 pid, __u64 start_ns, __u64 cgroup) {
    const struct told_process* known = bpf_map_lookup_elem(&told_processes, &pid);
    if (known && known->start_ns == start_ns && known->cgroup == cgroup) return known->number;
    struct at_told_process* told = bpf_ringbuf_reserve(&samples, sizeof *told, 0);
    if (!told) return 0;
    const __u32 number = __sync_fetch_and_add(&last_process, 1) + 1;
    __builtin_memset(&told->head, 0, sizeof told->head);
    told->head.record = AT_RECORD_PROCESS;
    told->head.process = number;
    told->start_ns = start_ns;
    told->cgroup = cgroup;
    told->pid = pid;
    told->reserved = 0;
    bpf_ringbuf_submit(told, BPF_RB_NO_WAKEUP);
    const struct told_process fresh = {.start_ns = start_ns, .cgroup = cgroup, .number = number};
    bpf_map_update_elem(&told_processes, &pid, &fresh, BPF_ANY);
    return number;
}

/*
 * Addresses of native frames, by address space; with them the recipe that the unwinding tables have there, so that
 * the next walk need not search.
 */
struct address_key {
    __u64 address;
    __u32 space;
    __u32 is_return; /* the recipe is of the instruction before */
};
struct told_address {
    __u16 number;
    __u16 epoch;
    __u32 recipe; /* 0: not known */
};
struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 32768);
    __type(key, struct address_key);
    __type(value, struct told_address);
} told_addresses SEC(".maps");

/* High half: the epoch, of which 16 bits are told. Low half: the next number. User space begins a new epoch when all
 * numbers are used. */
__u64 address_numbers = 1;

static __always_inline __u16 address_epoch(void) { return *(volatile __u64*)&address_numbers >> 32; }

/* The first of so many numbers in a row, 0 when there are not so many in this epoch. */
static __always_inline __u32 take_address_numbers(__u16 epoch, __u32 count) {
    if ((__u32)*(volatile __u64*)&address_numbers > AT_LAST_ADDRESS) return 0;
    const __u64 before = __sync_fetch_and_add(&address_numbers, (__u64)count);
    const __u32 first = before;
    return first <= AT_LAST_ADDRESS && (__u16)(before >> 32) == epoch ? first : 0;
}

#endif
