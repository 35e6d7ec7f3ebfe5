/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The user stack of the running thread by unwinding tables: code without frame pointers, x86-64. One turn of
 * bpf_loop a frame; the state is in the scratch, not on the stack: what the verifier does not know it does not
 * enumerate.
 */
#ifndef AUTOTUNE_BPF_PARTS_UNWIND_BPF_H
#define AUTOTUNE_BPF_PARTS_UNWIND_BPF_H

int read_stack_word(__u64* word, __u64 address);
#define at_read_stack(word, address) read_stack_word(word, address)
#include "bpf/logic/unwind.h"
#include "bpf/parts/met_addresses.bpf.h"
#include "bpf/parts/stack_window.bpf.h"

struct {
    __uint(type, BPF_MAP_TYPE_LPM_TRIE);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __uint(max_entries, 262144);
    __type(key, struct at_unwind_mapping_key);
    __type(value, struct at_unwind_mapping);
} unwind_mappings SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 65536);
    __type(key, struct at_unwind_page_key);
    __type(value, struct at_unwind_rows);
} unwind_pages SEC(".maps");

struct unwind_slab {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, AT_UNWIND_SLAB_CHUNKS);
    __uint(key_size, sizeof(__u32)); /* clang tells of types in an inner map only forwards */
    __uint(value_size, sizeof(struct at_unwind_chunk));
};

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
    __uint(max_entries, AT_MAX_UNWIND_SLABS);
    __type(key, __u32);
    __array(values, struct unwind_slab);
} unwind_slabs SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, AT_MAX_RECIPES);
    __type(key, __u32);
    __type(value, struct at_unwind_recipe);
} unwind_recipes SEC(".maps");

struct at_walked_frame {
    __u64 address;
    __u32 recipe; /* of the tables; the highest bit: is_return */
    __u16 code;   /* number of the address; 0: it has none */
    __u16 reserved;
};
#define AT_WALK_IS_RETURN (1u << 31)

/* A walk under way, and what it found. What is touched by every walk lies together: it is in no cache when a tick comes. */
struct at_walk {
    struct at_unwind_registers registers;
    __u64 hash; /* of the frames, begun by who asks for the walk */
    __u32 space;
    __u32 count;
    __u32 result;    /* enum at_native_result */
    __u32 is_return; /* the address is where a call returns to: the call is before it */
    __u32 epoch;     /* of the codes */
    __u32 reserved;
    struct at_stack_window window;
    struct at_walked_frame frames[AT_MAX_NATIVE_FRAMES];
    __u16 codes[AT_MAX_NATIVE_FRAMES]; /* the frames' in a row, when they are told */
    struct met_addresses met;
};
_Static_assert((AT_MAX_NATIVE_FRAMES & (AT_MAX_NATIVE_FRAMES - 1)) == 0, "an index is masked");

_Static_assert(sizeof(struct at_walk) <= 32768, "a CPU's value of a map may have no more");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct at_walk);
} walks SEC(".maps");

static __always_inline struct at_walk* this_walk(void) {
    __u32 zero = 0;
    return bpf_map_lookup_elem(&walks, &zero);
}

/* Not static: verified once, and not wherever a recipe asks. */
__noinline int read_stack_word(__u64* word, __u64 address) {
    struct at_walk* w = this_walk();
    return w && word ? read_through_window(&w->window, word, address) : 1;
}

static __always_inline __u32 row_of(void* chunks, __u32 index) {
    __u32 chunk_index = index / AT_UNWIND_ROWS_A_CHUNK;
    const struct at_unwind_chunk* chunk = bpf_map_lookup_elem(chunks, &chunk_index);
    return chunk ? chunk->rows[index % AT_UNWIND_ROWS_A_CHUNK] : 0;
}

/*
 * The recipe for the file's own address; index 0, "nothing is known", when there is none. A function of its own that
 * is not static: the verifier looks at it once, not on every way that leads there.
 */
__noinline int recipe_index(__u32 file, __u64 address) {
    struct at_unwind_page_key key = {.file = file, .page = address >> AT_UNWIND_PAGE_BITS};
    const struct at_unwind_rows* rows = bpf_map_lookup_elem(&unwind_pages, &key);
    if (!rows) return 0;
    __u32 slab = rows->slab;
    void* chunks = bpf_map_lookup_elem(&unwind_slabs, &slab);
    if (!chunks) return 0;
    const __u32 low = address & 0xffff;
    const __u32 first = rows->first;
    __u32 from = first, to = first + rows->count; /* the first row above the address is in [from, to] */
    for (int i = 0; i < AT_UNWIND_PAGE_BITS + 1; ++i) {
        /* Without branches: for the verifier each would double the ways through the loop. */
        const __u32 middle = from + (to - from) / 2;
        __u32 is_above = (low - (row_of(chunks, middle) & 0xffff)) >> 31;
        __u32 is_open = (from - to) >> 31;
        AT_WALK_FORGET(is_above);
        AT_WALK_FORGET(is_open);
        const __u32 down = 0 - (is_open & is_above), up = 0 - (is_open & ~is_above);
        to = (middle & down) | (to & ~down);
        from = ((middle + 1) & up) | (from & ~up);
    }
    return from > first ? row_of(chunks, from - 1) >> 16 : 0;
}

static __always_inline const struct at_unwind_mapping* mapping_of(__u32 space, __u64 address) {
    struct at_unwind_mapping_key key = {.prefix = 96};
    const __u32 space_first = bpf_htonl(space);
    const __u64 address_first = bpf_cpu_to_be64(address);
    __builtin_memcpy(key.space, &space_first, sizeof key.space);
    __builtin_memcpy(key.address, &address_first, sizeof key.address);
    return bpf_map_lookup_elem(&unwind_mappings, &key);
}

/* What the tables have for the frame's address. False: nobody knows a recipe, not even that there is none. */
static __always_inline int find_recipe(struct at_walk* w, const struct address_key* key, struct at_walked_frame* frame,
                                       struct at_unwind_recipe* recipe, int* is_mapped) {
    struct at_met_address* met = met_address(&w->met, key->address);
    const int known = is_met(met, key);
    struct told_address told = met->told;
    if (!known || !has_number(&told, w->epoch)) told = find_told_address(key);
    __u32 index = known ? met->told.recipe : told.recipe;
    if (!index) {
        const __u64 ip = key->address - key->is_return;
        const struct at_unwind_mapping* mapping = mapping_of(key->space, ip);
        *is_mapped = mapping != 0;
        if (mapping) index = recipe_index(mapping->file, ip - mapping->bias);
    }
    const __u32 number = has_number(&told, w->epoch) ? told.number : 0;
    frame->code = number;
    frame->recipe = key->is_return ? index | AT_WALK_IS_RETURN : index;
    if (known) {
        *recipe = met->recipe;
    } else {
        const struct at_unwind_recipe* found = bpf_map_lookup_elem(&unwind_recipes, &index);
        if (!found) return 0;
        *recipe = *found;
    }
    /* Where a call returns to: the innermost frames are at too many places. */
    if (!key->is_return || !index || (known && met->told.number == number && met->told.epoch == (__u16)w->epoch)) return 1;
    met->key = *key;
    met->recipe = *recipe;
    met->told.number = number;
    met->told.epoch = w->epoch;
    met->told.recipe = index;
    return 1;
}

static long walk_frame(__u32 turn, void* unused) {
    struct at_walk* w = this_walk();
    if (!w) return 1;
    __u32 n = w->count;
    if (n >= AT_MAX_NATIVE_FRAMES) {
        w->result = AT_NATIVE_CUT;
        return 1;
    }
    AT_WALK_FORGET(n);
    n &= AT_MAX_NATIVE_FRAMES - 1;
    const struct address_key key = {.address = w->registers.ip, .space = w->space, .is_return = w->is_return != 0};
    w->frames[n].address = key.address;
    w->hash = at_mixed(w->hash, key.address);
    w->count = n + 1;

    struct at_unwind_recipe recipe = {};
    int is_mapped = 1;
    if (!find_recipe(w, &key, &w->frames[n], &recipe, &is_mapped)) return 1;
    struct at_unwind_registers registers = w->registers;
    switch (at_unwind_step(&recipe, &registers)) {
        case AT_STEP_RETURN: w->is_return = 1; break;
        case AT_STEP_EXACT: w->is_return = 0; break;
        case AT_STEP_END: w->result = AT_NATIVE_WHOLE; return 1;
        case AT_STEP_NO_RECIPE: w->result = is_mapped ? AT_NATIVE_NO_RECIPE : AT_NATIVE_UNMAPPED; return 1;
        default: w->result = AT_NATIVE_UNREADABLE; return 1;
    }
    w->registers = registers;
    return 0;
}

/* Walks the running thread, whose process has the address space `space`, from `registers`, which are w's. False: there are no
 * tables. */
static __always_inline int walk_by_tables(struct at_walk* w, __u32 space) {
    w->count = 0;
    w->space = 0;
    if (!w->registers.ip || !space) return 0;
    w->space = space;
    w->is_return = 0;
    w->result = AT_NATIVE_CUT;
    w->epoch = address_epoch();
    w->window.base = AT_WINDOW_NONE; /* the thread has run meanwhile */
    bpf_loop(AT_MAX_NATIVE_FRAMES + 1, walk_frame, 0, 0);
    return 1;
}

#endif
