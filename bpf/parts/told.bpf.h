/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What is told once, and from then on by its number: processes, the addresses of native frames, and
 * stacks. Something has its number only when it has been told: then it comes before all that refers to it.
 */
#ifndef AUTOTUNE_BPF_PARTS_TOLD_BPF_H
#define AUTOTUNE_BPF_PARTS_TOLD_BPF_H

#include "bpf/logic/told_numbers.h"

const volatile __u64 told_seed = 0; /* of all hashes: nobody shall be able to make two stacks, or addresses, look the same */

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
 * the next walk need not search. What finds no room takes the place of what was told longer ago.
 */
struct address_key {
    __u64 address;
    __u32 space;
    __u32 is_return; /* the recipe is of the instruction before */
};
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE); /* the values begin with a page then: a set is one line of the cache */
    __uint(max_entries, AT_TOLD_SETS);
    __type(key, __u32);
    __type(value, struct told_set);
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

static __always_inline __u64 address_hash(const struct address_key* key) {
    return at_mixed(at_mixed(told_seed, key->address), (__u64)key->space << 1 | (key->is_return != 0));
}

static __always_inline struct told_set* told_set(__u64 hash) {
    const __u32 at = (hash >> 32) & (AT_TOLD_SETS - 1);
    return bpf_map_lookup_elem(&told_addresses, &at);
}

static __always_inline struct told_address find_told_address(const struct address_key* key) {
    const __u64 hash = address_hash(key);
    const struct told_set* set = told_set(hash);
    const struct told_address none = {};
    return set ? at_find_told(set, hash) : none;
}

static __always_inline void put_told_address(const struct address_key* key, const struct told_address* told) {
    const __u64 hash = address_hash(key);
    struct told_set* set = told_set(hash);
    if (set) at_put_told(set, hash, told);
}

/*
 * Stacks, by their hash. A number that is so old that user space may have forgotten it is none: the stack is told again, also one
 * that was sampled all the time.
 */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE); /* as above */
    __uint(max_entries, AT_STACK_SLOTS);
    __type(key, __u32);
    __type(value, struct at_checked_slot);
} told_stacks SEC(".maps");

const volatile __u32 stack_slots_mask = AT_STACK_SLOTS - 1; /* of how many there are, a power of two */

__u32 last_stack = AT_FIRST_STACK;

static __always_inline struct at_checked_slot* stack_slot(__u64 hash) {
    const __u32 at = (hash >> 32) & stack_slots_mask;
    return bpf_map_lookup_elem(&told_stacks, &at);
}

/* 0: it is to be told. */
static __always_inline __u32 told_stack(__u64 hash) {
    const struct at_checked_slot* slot = stack_slot(hash);
    const __u32 number = slot ? at_slot_data(slot, hash) : 0;
    return at_fresh_stack(number, *(volatile __u32*)&last_stack);
}

static __always_inline void put_told_stack(__u64 hash, __u32 number) {
    struct at_checked_slot* slot = stack_slot(hash);
    if (slot) at_put_slot(slot, hash, number);
}

#endif
