/* ring_process.h: the ring of this process from its start to its end, through forks, and its threads' slots.
 *
 *   at_ring_start(folder, kind)        once, from a constructor: 0, or -errno and nothing is traced
 *   at_ring_calibrate(probe_pairs)     then: what the library's own probes cost
 *   at_ring_open()                     then: the agent may look */
#pragma once

#include <pthread.h>
#include <stdlib.h>

#include "runtimes/ring_writer.h"

static char at_ring_folder[200];   /* of the files; "": memfds */
static __u32 at_ring_kind;
static __s32 at_ring_maker;        /* pid that made the ring: another one is a forked child */
static pthread_key_t at_ring_key;
static int at_ring_has_key;
static __u64 at_ring_bias[2];     /* as in the header: inside, around */

AT_COLD int at_ring_make_here(struct at_ring *r, __s32 forked_from) {
    at_ring_maker = (__s32)at_syscall(SYS_getpid, 0, 0, 0, 0, 0, 0);
    return at_ring_make_in(r, at_ring_folder, at_ring_kind, forked_from);
}

/* The calls that are open when a thread ends will never return. */
AT_COLD void at_ring_thread_ended(void *thread) {
    struct at_thread *t = (struct at_thread *)thread;
    if (t->slot == 0 || at_ring_current != t) return; /* after a fork: not this process's */
    t->busy = 1;
    AT_BARRIER();
    at_ring_cut_to(t, 0, at_ring_ticks(t->counter));
    at_ring_current = &at_ring_nobody;
    AT_BARRIER();
    at_ring_give_slot(t);
}

static struct at_thread *at_ring_attach(void) {
    struct at_ring *r = at_ring_process;
    if (__atomic_load_n(&r->ready, __ATOMIC_ACQUIRE) == 0) { /* a forked child: what it had was wiped */
        const __s32 parent = at_ring_maker;
        at_lock(&r->lock);
        if (r->ready == 0 && at_ring_make_here(r, parent) == 0) {
            at_ring_header_of(r)->bias_inside = at_ring_bias[0];
            at_ring_header_of(r)->bias_around = at_ring_bias[1];
            at_ring_publish(r);
        } else if (r->ready == 0) {
            at_ring_process = 0; /* nothing is told of this process: it has no file */
        }
        at_unlock(&r->lock);
    }
    struct at_thread *t = at_ring_process != 0 ? at_ring_take_slot(r) : 0;
    if (t != 0 && at_ring_has_key) pthread_setspecific(at_ring_key, t);
    return t;
}

/* The folder is the environment's AUTOTUNE_RING, or memfds are made where `folder` is "". */
AT_COLD int at_ring_start(const char *folder, __u32 kind) {
    struct at_ring *r = (struct at_ring *)at_own_pages(sizeof *r);
    if (r == 0) return -12;
    unsigned i = 0;
    for (; folder[i] != 0 && i + 1 < sizeof at_ring_folder; ++i) at_ring_folder[i] = folder[i];
    if (folder[i] != 0) return -36; /* ENAMETOOLONG */
    at_ring_folder[i] = 0;
    at_ring_kind = kind;
    /* Beyond the first 32 keys setting a value allocates, which a probe must not; then the agent finds out by
     * itself that a thread has gone. */
    at_ring_has_key = pthread_key_create(&at_ring_key, at_ring_thread_ended) == 0 && at_ring_key < 32;
    const int made = at_ring_make_here(r, 0);
    if (made == 0) at_ring_process = r;
    return made;
}

/* The program exits in order. */
AT_COLD void at_ring_finish(void) {
    struct at_ring *r = at_ring_process;
    if (r == 0 || !r->ready) return;
    at_ring_header_of(r)->ended_ticks = at_ring_ticks(r->counter);
    at_ring_header_of(r)->state = AT_RING_ENDED;
}

/* Measures what the library's probes add: `pairs(n)` makes n calls of an empty function one after the other as
 * the program would, and as many without probes when `probed` is 0. REQUIRES: started, not open; one thread. */
AT_COLD void at_ring_calibrate(void (*pairs)(__u32 n, int probed)) {
    enum { kRounds = 31, kPairs = 64 };
    struct at_ring *r = at_ring_process;
    struct at_ring *scratch = (struct at_ring *)at_pages(sizeof *scratch);
    if (scratch == 0 || at_ring_make_private(scratch) != 0) return;
    struct at_thread *t = at_ring_take_slot(scratch);
    if (t == 0) return;
    at_ring_current = t;
    for (__u64 i = 0; i < 8 * AT_RING_CHUNK_BYTES; i += 4096) /* page faults are not the probes' cost */
        *(volatile char *)(scratch->base + AT_RING_CHUNKS_AT + i) = 0;
    __u64 inside[kRounds], around[kRounds];
    for (int i = -4; i < kRounds; ++i) { /* the first ones warm up */
        const __u64 total_before = t->slot->edges > 1 ? t->edges[1].total : 0;
        const __u64 begin = at_ring_ticks(t->counter);
        pairs(kPairs, 1);
        const __u64 middle = at_ring_ticks(t->counter);
        pairs(kPairs, 0);
        const __u64 end = at_ring_ticks(t->counter);
        if (i < 0) continue;
        const __u64 bare = end - middle;
        inside[i] = ((t->edges[1].total - total_before) << 10) / kPairs;
        around[i] = middle - begin > bare ? ((middle - begin - bare) << 10) / kPairs : 0;
    }
    at_ring_current = &at_ring_nobody;
    /* Medians: an interrupt is not the probes' cost. */
    for (int i = 1; i < kRounds; ++i) {
        for (int k = i; k > 0 && inside[k] < inside[k - 1]; --k) {
            const __u64 swap = inside[k]; inside[k] = inside[k - 1]; inside[k - 1] = swap;
        }
        for (int k = i; k > 0 && around[k] < around[k - 1]; --k) {
            const __u64 swap = around[k]; around[k] = around[k - 1]; around[k - 1] = swap;
        }
    }
    at_ring_bias[0] = inside[kRounds / 2];
    at_ring_bias[1] = around[kRounds / 2];
    at_ring_header_of(r)->bias_inside = at_ring_bias[0];
    at_ring_header_of(r)->bias_around = at_ring_bias[1];
    at_thread_unmake(t);
    at_syscall(SYS_munmap, (long)scratch->base, AT_RING_BODIES_AT, 0, 0, 0, 0);
    at_syscall(SYS_munmap, (long)scratch, sizeof *scratch, 0, 0, 0, 0);
}

static inline void at_ring_open(void) { at_ring_publish(at_ring_process); }
