/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * A place of a table that CPUs read and write without a lock: what one of them has half written, or two at once, is no entry.
 * R. Hyatt, T. Mann, "A lockless transposition table implementation for parallel search", ICGA Journal 25 (2002). One line of
 * the cache is touched, where a hash map touches three or more. Compiles for BPF and for the host's tests.
 */
#ifndef AUTOTUNE_BPF_LOGIC_CHECKED_SLOT_H
#define AUTOTUNE_BPF_LOGIC_CHECKED_SLOT_H

#include <linux/types.h>

#ifdef __bpf__
#define AT_SLOT_INLINE static __attribute__((always_inline)) inline
#define AT_SLOT_FORGET(value) asm volatile("" : "+r"(value))
#define AT_SLOT_READ(word) (*(const volatile __u64*)&(word))
#define AT_SLOT_WRITE(word, value) (*(volatile __u64*)&(word) = (value))
#else
#define AT_SLOT_INLINE static inline
#define AT_SLOT_FORGET(value)
#define AT_SLOT_READ(word) __atomic_load_n(&(word), __ATOMIC_RELAXED)
#define AT_SLOT_WRITE(word, value) __atomic_store_n(&(word), value, __ATOMIC_RELAXED)
#endif

struct at_checked_slot {
    __u64 check; /* the key's hash, mixed with the data */
    __u64 data;  /* 0: none */
};

AT_SLOT_INLINE __u64 at_mixed(__u64 hash, __u64 word) {
    hash = (hash ^ word) * 0x9e3779b97f4a7c15ull;
    return hash ^ (hash >> 29);
}

/* 1 where any bit is set. No branch: for the verifier each would double the ways through a loop. */
AT_SLOT_INLINE __u64 at_any(__u64 bits) {
    __u64 minus = 0 - bits;
    AT_SLOT_FORGET(minus); /* or the compiler makes a comparison of it */
    return (bits | minus) >> 63;
}

/* 0: what the slot holds is this key's. */
AT_SLOT_INLINE __u64 at_slot_differs(const struct at_checked_slot* slot, __u64 data, __u64 hash) {
    return AT_SLOT_READ(slot->check) ^ at_mixed(0, data) ^ hash;
}

/* What was put for a key with this hash, of 64 bits; 0: nothing, or not any more. */
AT_SLOT_INLINE __u64 at_slot_data(const struct at_checked_slot* slot, __u64 hash) {
    const __u64 data = AT_SLOT_READ(slot->data);
    return data & (at_any(at_slot_differs(slot, data, hash)) - 1);
}

AT_SLOT_INLINE void at_put_slot(struct at_checked_slot* slot, __u64 hash, __u64 data) {
    AT_SLOT_WRITE(slot->data, data);
    AT_SLOT_WRITE(slot->check, hash ^ at_mixed(0, data));
}

#endif
