/* ring_slots.h: a ring's file handed out to threads: slots, and chunks of records. */
#pragma once

#include "runtimes/ring_file.h"

#define AT_STACK_STEP 1024u  /* entries that get their memory together */
#define AT_EDGES_STEP 1024u

AT_COLD __u64 at_body_of(__u32 number) { return AT_RING_BODIES_AT + number * AT_RING_BODY_BYTES; }

AT_COLD int at_thread_grow_stack(struct at_thread *t) {
    const __u64 at = at_body_of(t->number) + t->stack_ready * sizeof(struct at_ring_call);
    if (t->stack_ready >= AT_RING_STACK || at_ring_allocate(t->ring, at, AT_STACK_STEP * sizeof(struct at_ring_call)))
        return -1;
    t->stack_ready += AT_STACK_STEP;
    return 0;
}

AT_COLD int at_thread_grow_edges(struct at_thread *t) {
    const __u64 at = at_body_of(t->number) + AT_RING_STACK_BYTES + t->edges_ready * sizeof(struct at_ring_edge);
    if (t->edges_ready >= AT_RING_EDGES || at_ring_allocate(t->ring, at, AT_EDGES_STEP * sizeof(struct at_ring_edge)))
        return -1;
    t->edges_ready += AT_EDGES_STEP;
    return 0;
}

/* The private half of slot `number`, made at its first use and kept. */
AT_COLD struct at_thread *at_thread_make(struct at_ring *r, __u32 number) {
    struct at_thread *t = r->threads[number];
    if (t != 0) return t;
    t = (struct at_thread *)at_own_pages(sizeof *t);
    char *body = (char *)at_ring_map(r, at_body_of(number), AT_RING_BODY_BYTES);
    if (t == 0 || body == 0) return 0;
    t->ring = r;
    t->number = number;
    t->counter = r->counter;
    t->mode = &at_ring_header_of(r)->mode;
    t->stack = (struct at_ring_call *)body;
    t->edges = (struct at_ring_edge *)(body + AT_RING_STACK_BYTES);
    if (at_thread_grow_stack(t) != 0 || at_thread_grow_edges(t) != 0) return 0;
    r->threads[number] = t;
    return t;
}

AT_COLD void at_thread_unmake(struct at_thread *t) {
    at_syscall(SYS_munmap, (long)t->stack, AT_RING_BODY_BYTES, 0, 0, 0, 0);
    if (t->index != 0) at_syscall(SYS_munmap, (long)t->index, t->index_bytes, 0, 0, 0, 0);
    if (t->active != 0) at_syscall(SYS_munmap, (long)t->active, (long)t->active_bytes, 0, 0, 0, 0);
    at_syscall(SYS_munmap, (long)t, sizeof *t, 0, 0, 0, 0);
}

/* A slot for the calling thread; null when all are taken or there is no memory. Until at_ring_give_slot. */
AT_COLD struct at_thread *at_ring_take_slot(struct at_ring *r) {
    struct at_ring_header *h = at_ring_header_of(r);
    struct at_ring_slot *slots = at_ring_slots_of(r);
    struct at_thread *t = 0;
    at_lock(&r->lock);
    __u32 n = 0;
    while (n < h->slots_used && __atomic_load_n(&slots[n].state, __ATOMIC_ACQUIRE) != AT_RING_SLOT_FREE) ++n;
    if (n < AT_RING_SLOTS && at_ring_allocate(r, AT_RING_SLOTS_AT + n * sizeof *slots, sizeof *slots) == 0)
        t = at_thread_make(r, n);
    if (t != 0) {
        struct at_ring_slot *s = &slots[n];
        s->tid = (__s32)at_syscall(SYS_gettid, 0, 0, 0, 0, 0, 0);
        s->depth = 0;
        s->edges = 1; /* entry 0 is none */
        s->calls = s->records = s->lost = s->unpaired = 0;
        s->chunks[0] = s->chunks[1] = 0;
        ++s->generation;
        t->chunk = 0;
        t->chunk_end = t->retry_at = 0;
        t->busy = t->raise_depth = 0;
        if (t->index != 0) { /* what the thread before knew has other numbers now */
            for (__u64 i = 0; i < t->index_bytes / sizeof *t->index; ++i) t->index[i].function = 0;
            for (__u64 i = 0; i < t->nodes; ++i) t->active[i] = 0;
            for (__u64 i = 0; i < t->stack_ready; ++i) t->stack[i].edge = 0;
        }
        t->index_used = t->nodes = 0;
        __atomic_store_n(&s->state, AT_RING_SLOT_LIVE, __ATOMIC_RELEASE);
        if (n == h->slots_used) __atomic_store_n(&h->slots_used, n + 1, __ATOMIC_RELEASE);
        t->slot = s;
    }
    at_unlock(&r->lock);
    return t;
}

/* The calling thread ends: the agent drains the slot and frees it. */
static inline void at_ring_give_slot(struct at_thread *t) {
    struct at_ring_slot *s = t->slot;
    t->slot = 0;
    __atomic_store_n(&s->state, AT_RING_SLOT_DONE, __ATOMIC_RELEASE);
}

/* Memory for a chunk, and the pages of the mapping with it: one call instead of one and a page fault for each. */
AT_COLD int at_ring_populate_chunk(struct at_ring *r, __u64 at) {
    if (r->inode == 0) return 0;
    const long populated = at_syscall(SYS_madvise, (long)(r->base + at), (long)AT_RING_CHUNK_BYTES, 23 /* POPULATE_WRITE */,
                                      0, 0, 0);
    if (populated == 0 || populated == -14 /* EFAULT: the file system is full */) return (int)populated;
    return at_ring_allocate(r, at, AT_RING_CHUNK_BYTES); /* Linux before 5.14, or a filter of the program's */
}

/* The next chunk that was never used; AT_RING_CHUNKS: there is none. Under the lock, so that below `chunks_used` all have
 * memory: one without, taken for a used one, would be a SIGBUS when the file system is full. */
AT_COLD __u32 at_chunk_take_fresh(struct at_ring *r, __u32 mark) {
    struct at_ring_header *h = at_ring_header_of(r);
    at_lock(&r->lock);
    const __u64 used = h->chunks_used;
    const int taken =
        used < AT_RING_CHUNKS && at_ring_populate_chunk(r, AT_RING_CHUNKS_AT + used * AT_RING_CHUNK_BYTES) == 0;
    if (taken) {
        at_ring_owners_of(r)[used].slot = mark;
        __atomic_store_n(&h->chunks_used, used + 1, __ATOMIC_RELEASE);
    }
    at_unlock(&r->lock);
    return taken ? (__u32)used : (__u32)AT_RING_CHUNKS;
}

/* A chunk that was used before and is free again, looked for in `tries` of them. The agent frees them about in the order
 * in which they were taken, so the search goes on where the last one ended. */
AT_COLD __u32 at_chunk_take_used(struct at_ring *r, __u32 mark, __u64 tries) {
    const __u64 used = __atomic_load_n(&at_ring_header_of(r)->chunks_used, __ATOMIC_ACQUIRE);
    __u64 n = __atomic_load_n(&r->chunks_hint, __ATOMIC_RELAXED);
    for (__u64 i = 0; i < tries && i < used; ++i) {
        if (n >= used) n = 0;
        struct at_ring_owner *owner = &at_ring_owners_of(r)[n];
        __u32 free_mark = 0;
        if (__atomic_load_n(&owner->slot, __ATOMIC_ACQUIRE) == 0 &&
            __atomic_compare_exchange_n(&owner->slot, &free_mark, mark, 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
            __atomic_store_n(&r->chunks_hint, n + 1, __ATOMIC_RELAXED);
            return (__u32)n;
        }
        ++n;
    }
    return AT_RING_CHUNKS;
}

/* A chunk for the records to come; 0 when there was one. The pool is only looked at again after some losses. */
AT_COLD int at_thread_next_chunk(struct at_thread *t) {
    struct at_ring *r = t->ring;
    struct at_ring_owner *owners = at_ring_owners_of(r);
    struct at_ring_slot *s = t->slot;
    const __u32 mark = t->number + 1;
    if (s->lost < t->retry_at) return -1;
    __u32 n = at_chunk_take_used(r, mark, 16);
    if (n == AT_RING_CHUNKS) n = at_chunk_take_fresh(r, mark);
    if (n == AT_RING_CHUNKS) n = at_chunk_take_used(r, mark, AT_RING_CHUNKS);
    if (n == AT_RING_CHUNKS) {
        t->retry_at = s->lost + 256;
        return -1;
    }
    owners[n].next = 0;
    if (s->chunks[1] != 0) __atomic_store_n(&owners[s->chunks[1] - 1].next, n + 1, __ATOMIC_RELEASE);
    if (s->chunks[0] == 0) s->chunks[0] = n + 1;
    s->chunks[1] = n + 1;
    t->chunk = (struct at_ring_record *)(r->base + AT_RING_CHUNKS_AT + n * AT_RING_CHUNK_BYTES);
    t->chunk_end = s->records + AT_RING_CHUNK_RECORDS;
    return 0;
}
