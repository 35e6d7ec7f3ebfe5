/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Recipes and numbers of addresses that were met on this CPU lately. Most frames of a stack are at one of few addresses, and a
 * table of all CPUs costs more, most of all when its memory is in no cache. Recipes stay, and a space's tables too; a number
 * holds within its epoch.
 */
#ifndef AUTOTUNE_BPF_PARTS_MET_ADDRESSES_BPF_H
#define AUTOTUNE_BPF_PARTS_MET_ADDRESSES_BPF_H

#include "bpf/logic/unwind_recipe.h"

struct at_met_address {
    struct address_key key;
    struct at_unwind_recipe recipe;
    struct told_address told; /* its number may be of an earlier epoch, or none */
};

#define AT_MET_BITS 8
struct met_addresses {
    struct at_met_address at[1 << AT_MET_BITS]; /* by a hash of the address; a later one takes the place */
};

static __always_inline struct at_met_address* met_address(struct met_addresses* all, __u64 address) {
    return &all->at[(address * 0x9e3779b97f4a7c15ull) >> (64 - AT_MET_BITS)];
}

static __always_inline int is_met(const struct at_met_address* met, const struct address_key* key) {
    return met->key.address == key->address && met->key.space == key->space && met->key.is_return == key->is_return;
}

static __always_inline int has_number(const struct told_address* told, __u32 epoch) {
    return told->number && told->epoch == (__u16)epoch;
}

#endif
