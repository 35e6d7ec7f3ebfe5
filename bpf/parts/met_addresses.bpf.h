/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What told_addresses says, and the recipe, of addresses that were met on this CPU lately. Most frames of a stack are at one
 * of few addresses, and a hash table of all CPUs costs several times as much, most of all when its memory is in no cache.
 * Nothing here grows old: recipes stay, a space's tables too, and numbers hold within their epoch.
 */
#ifndef AUTOTUNE_BPF_PARTS_MET_ADDRESSES_BPF_H
#define AUTOTUNE_BPF_PARTS_MET_ADDRESSES_BPF_H

#include "bpf/logic/unwind_recipe.h"

struct at_met_address {
    struct address_key key;
    struct at_unwind_recipe recipe;
    struct told_address told;
};

#define AT_MET_BITS 8
struct met_addresses {
    struct at_met_address at[1 << AT_MET_BITS]; /* by a hash of the address; a later one takes the place */
};

static __always_inline struct at_met_address* met_address(struct met_addresses* all, __u64 address) {
    return &all->at[(address * 0x9e3779b97f4a7c15ull) >> (64 - AT_MET_BITS)];
}

static __always_inline int is_met(const struct at_met_address* met, const struct address_key* key, __u32 epoch) {
    return met->key.address == key->address && met->key.space == key->space && met->key.is_return == key->is_return &&
           met->told.epoch == (__u16)epoch;
}

static __always_inline void meet_address(struct at_met_address* met, const struct address_key* key,
                                         const struct told_address* told, const struct at_unwind_recipe* recipe) {
    met->key = *key;
    met->recipe = *recipe;
    met->told = *told;
}

#endif
