/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Which numbers of stacks and addresses hold still, and whose place is taken by a new one. Compiles for BPF and for the host's tests. */
#ifndef AUTOTUNE_BPF_LOGIC_TOLD_NUMBERS_H
#define AUTOTUNE_BPF_LOGIC_TOLD_NUMBERS_H

#include "bpf/logic/checked_slot.h"
#include "bpf/sampler_wire.h"

struct told_address {
    __u16 number; /* 0: not told */
    __u16 epoch;  /* in which the number holds */
    __u32 recipe; /* 0: not known */
};

#define AT_TOLD_WAYS 4
/* Addresses whose hashes agree in some bits: a line of the cache. */
struct told_set {
    struct at_checked_slot slots[AT_TOLD_WAYS];
};

/* The number, if user space has it for sure: `last` is the number that was given last. */
AT_SLOT_INLINE __u32 at_fresh_stack(__u32 number, __u32 last) { return last - number <= AT_OLD_STACK ? number : 0; }

AT_SLOT_INLINE struct told_address at_find_told(const struct told_set* set, __u64 hash) {
    __u64 data = 0;
    for (int i = 0; i < AT_TOLD_WAYS; ++i) data |= at_slot_data(&set->slots[i], hash) & (at_any(data) - 1); /* the first */
    const struct told_address told = {.number = (__u16)data, .epoch = (__u16)(data >> 16), .recipe = (__u32)(data >> 32)};
    return told;
}

/* In its own place, else in a free one, else in that of another epoch's address, else of the one that was told first. */
AT_SLOT_INLINE void at_put_told(struct told_set* set, __u64 hash, const struct told_address* told) {
    __u64 most = 0; /* how dispensable, and in the lowest bits which */
    for (__u32 i = 0; i < AT_TOLD_WAYS; ++i) {
        const __u64 data = AT_SLOT_READ(set->slots[i].data);
        const __u64 older = 0x10000u - (__u16)data;
        const __u64 other_epoch = at_any((__u16)(data >> 16) ^ told->epoch), taken = at_any(data);
        const __u64 foreign = at_any(at_slot_differs(&set->slots[i], data, hash));
        const __u64 one = ((1 - foreign) << 20 | (1 - taken) << 19 | other_epoch << 18 | older) << 2 | (AT_TOLD_WAYS - 1 - i);
        const __u64 is_more = 0 - ((most - one) >> 63);
        most = (one & is_more) | (most & ~is_more);
    }
    const __u32 place = AT_TOLD_WAYS - 1 - (most & (AT_TOLD_WAYS - 1));
    at_put_slot(&set->slots[place & (AT_TOLD_WAYS - 1)], hash,
                (__u64)told->recipe << 32 | (__u64)told->epoch << 16 | told->number);
}

#endif
