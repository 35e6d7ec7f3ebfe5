/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The user stack of the running thread by unwinding tables: code without frame pointers, x86-64. One turn of
 * bpf_loop a frame; the state is in the scratch, not on the stack: what the verifier does not know it does not
 * enumerate.
 */
#ifndef AUTOTUNE_BPF_PARTS_UNWIND_BPF_H
#define AUTOTUNE_BPF_PARTS_UNWIND_BPF_H

#include "bpf/logic/unwind.h"

/* LRU: a process that nobody removes goes by itself. */
struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 4096);
    __type(key, __u32);
    __type(value, struct at_unwind_process);
} unwind_processes SEC(".maps");

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

/* A walk under way, and what it found. */
struct at_walk {
    struct at_unwind_registers registers;
    __u64 hash; /* of the frames, begun by who asks for the walk */
    __u32 space;
    __u32 count;
    __u32 result;    /* enum at_native_result */
    __u32 is_return; /* the address is where a call returns to: the call is before it */
    __u32 epoch;     /* of the codes */
    __u32 reserved;
    __u64 frames[AT_MAX_NATIVE_FRAMES];
    __u32 recipes[AT_MAX_NATIVE_FRAMES]; /* of the tables; the highest bit: is_return */
    __u16 codes[AT_MAX_NATIVE_FRAMES];   /* numbers of the addresses; 0: has none */
};
#define AT_WALK_IS_RETURN (1u << 31)
_Static_assert((AT_MAX_NATIVE_FRAMES & (AT_MAX_NATIVE_FRAMES - 1)) == 0, "an index is masked");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct at_walk);
} walks SEC(".maps");

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

static __always_inline __u64 mixed(__u64 hash, __u64 word) {
    hash = (hash ^ word) * 0x9e3779b97f4a7c15ull;
    return hash ^ (hash >> 29);
}

static long walk_frame(__u32 turn, void* unused) {
    __u32 zero = 0;
    struct at_walk* w = bpf_map_lookup_elem(&walks, &zero);
    if (!w) return 1;
    __u32 n = w->count;
    if (n >= AT_MAX_NATIVE_FRAMES) {
        w->result = AT_NATIVE_CUT;
        return 1;
    }
    AT_WALK_FORGET(n);
    n &= AT_MAX_NATIVE_FRAMES - 1;
    const struct address_key key = {.address = w->registers.ip, .space = w->space, .is_return = w->is_return != 0};
    w->frames[n] = key.address;
    w->hash = mixed(w->hash, key.address);
    w->count = n + 1;

    const struct told_address* told = bpf_map_lookup_elem(&told_addresses, &key);
    w->codes[n] = told && told->epoch == (__u16)w->epoch ? told->number : 0;
    __u32 index = told ? told->recipe : 0;
    int is_mapped = index != 0;
    if (!index) {
        const __u64 ip = key.address - key.is_return;
        const struct at_unwind_mapping* mapping = mapping_of(key.space, ip);
        is_mapped = mapping != 0;
        if (mapping) index = recipe_index(mapping->file, ip - mapping->bias);
    }
    w->recipes[n] = key.is_return ? index | AT_WALK_IS_RETURN : index;
    const struct at_unwind_recipe* recipe = bpf_map_lookup_elem(&unwind_recipes, &index);
    if (!recipe) return 1;
    struct at_unwind_registers registers = w->registers;
    switch (at_unwind_step(recipe, &registers)) {
        case AT_STEP_RETURN: w->is_return = 1; break;
        case AT_STEP_EXACT: w->is_return = 0; break;
        case AT_STEP_END: w->result = AT_NATIVE_WHOLE; return 1;
        case AT_STEP_NO_RECIPE: w->result = is_mapped ? AT_NATIVE_NO_RECIPE : AT_NATIVE_UNMAPPED; return 1;
        default: w->result = AT_NATIVE_UNREADABLE; return 1;
    }
    w->registers = registers;
    return 0;
}

/* Walks the running thread from `registers`, which are w's. False: its process has no tables. */
static __always_inline int walk_by_tables(struct at_walk* w, __u32 pid, __u64 start_ns) {
    w->count = 0;
    w->space = 0;
    const struct at_unwind_process* process = bpf_map_lookup_elem(&unwind_processes, &pid);
    if (!w->registers.ip || !process || process->start_ns != start_ns) return 0;
    w->space = process->space;
    w->is_return = 0;
    w->result = AT_NATIVE_CUT;
    w->epoch = address_epoch();
    bpf_loop(AT_MAX_NATIVE_FRAMES + 1, walk_frame, 0, 0);
    return 1;
}

#endif
