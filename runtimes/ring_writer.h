/* ring_writer.h: what a probe does when a function is entered and left. No locks, no system calls but in the
 * rare paths; about 30 ns for both, of which two thirds are the two readings of the clock.
 *
 * A library includes this in one file, calls at_ring_start once, then at_ring_enter and at_ring_leave with its
 * thread's at_ring_self(). The calls of a thread nest: what left without a word (longjmp, a killed frame) is
 * closed by at_ring_cut. A signal's handler may come at any instruction; its calls are told as well, but for
 * those that meet a probe at work: they are counted in `unpaired`. */
#pragma once

#include "runtimes/ring_slots.h"

static struct at_ring *at_ring_process;        /* null: not started, or could not be made */
static struct at_thread at_ring_nobody;        /* what a thread is that has no slot */
static __thread struct at_thread *at_ring_current __attribute__((tls_model("initial-exec"))) = &at_ring_nobody;
static __thread __u32 at_ring_attaching __attribute__((tls_model("initial-exec")));

/* The library's own: a forked child, or a thread that was not seen before, needs a ring and a slot. Returns
 * null when it gets none. Called with signals' handlers kept out. */
static struct at_thread *at_ring_attach(void);

AT_COLD struct at_thread *at_ring_attach_once(void) {
    if (at_ring_attaching || at_ring_process == 0) return 0;
    at_ring_attaching = 1;
    AT_BARRIER();
    struct at_thread *t = at_ring_attach();
    at_ring_current = t != 0 ? t : &at_ring_nobody;
    AT_BARRIER();
    at_ring_attaching = 0;
    if (t == 0 && at_ring_process->ready)
        __atomic_fetch_add(&at_ring_header_of(at_ring_process)->unseen_calls, 1, __ATOMIC_RELAXED);
    return t;
}

/* This thread's slot; null: its calls are not told. */
static inline struct at_thread *at_ring_self(void) {
    struct at_thread *t = at_ring_current;
    return AT_UNLIKELY(t->slot == 0) ? at_ring_attach_once() : t;
}

/* The same when a call is left: a thread without a slot does not take one to say that. */
static inline struct at_thread *at_ring_self_or_null(void) {
    struct at_thread *t = at_ring_current;
    return AT_UNLIKELY(t->slot == 0) ? 0 : t;
}

static inline __u64 at_index_hash(const struct at_thread *t, __u64 function, __u64 caller) {
    return (function * 0x9e3779b97f4a7c15ull + caller * 0xd6e8feb86659fd93ull) >> t->index_shift;
}

/* The entry of the pair, or the empty one where it belongs. REQUIRES: an index with room. */
static inline struct at_index_entry *at_index_find(struct at_thread *t, __u64 function, __u64 caller) {
    const __u64 mask = (1ull << (64 - t->index_shift)) - 1;
    __u64 i = at_index_hash(t, function, caller);
    struct at_index_entry *e = &t->index[i];
    while (AT_UNLIKELY(e->function != function || e->caller != caller) && e->function != 0) {
        i = (i + 1) & mask;
        e = &t->index[i];
    }
    return e;
}

AT_COLD int at_index_grow(struct at_thread *t) {
    struct at_index_entry *old = t->index;
    const __u64 old_bytes = t->index_bytes;
    const __u64 bytes = old == 0 ? 256 * sizeof *old : old_bytes * 2;
    const __u64 active_bytes = bytes / sizeof *old * sizeof(__u32);
    struct at_index_entry *index = (struct at_index_entry *)at_pages(bytes);
    __u32 *active = (__u32 *)at_pages(active_bytes);
    if (index == 0 || active == 0) return -1;
    for (__u32 i = 0; i < t->nodes; ++i) active[i] = t->active[i];
    if (t->active != 0) at_syscall(SYS_munmap, (long)t->active, (long)t->active_bytes, 0, 0, 0, 0);
    t->active = active;
    t->active_bytes = active_bytes;
    t->index = index;
    t->index_bytes = (__u32)bytes;
    t->index_shift = old == 0 ? 56 : t->index_shift - 1;
    for (__u64 i = 0; i < old_bytes / sizeof *old; ++i)
        if (old[i].function != 0) *at_index_find(t, old[i].function, old[i].caller) = old[i];
    if (old != 0) at_syscall(SYS_munmap, (long)old, (long)old_bytes, 0, 0, 0, 0);
    return 0;
}

/* The library's own, or null: a function is about to be told that this thread has not called before. */
static void (*at_ring_new_function)(__u64 function);

/* A pair that was not seen before; null when there is no memory for it. */
AT_COLD struct at_index_entry *at_index_add(struct at_thread *t, __u64 function, __u64 caller) {
    struct at_ring_slot *s = t->slot;
    const __u64 entries = t->index_bytes / sizeof(struct at_index_entry);
    if (t->index_used + 2 > entries / 2 && at_index_grow(t) != 0) return 0;
    if (s->edges >= t->edges_ready && at_thread_grow_edges(t) != 0) return 0;
    struct at_index_entry *any = at_index_find(t, function, AT_ANY_CALLER);
    if (any->function == 0) {
        if (at_ring_new_function != 0) at_ring_new_function(function);
        any->function = function;
        any->caller = AT_ANY_CALLER;
        any->node = t->nodes++;
        ++t->index_used;
    }
    const __u32 node = any->node;
    struct at_index_entry *e = at_index_find(t, function, caller);
    struct at_ring_edge *edge = &t->edges[s->edges];
    const struct at_ring_edge fresh = {function, caller, 0, 0, 0, 0, 0, 0};
    *edge = fresh;
    e->function = function;
    e->caller = caller;
    e->edge = s->edges;
    e->node = node;
    ++t->index_used;
    __atomic_store_n(&s->edges, s->edges + 1, __ATOMIC_RELEASE);
    return e;
}

/* A call that gets no times: paired only, or not even that when the stack is full. */
AT_COLD void at_ring_enter_untold(struct at_thread *t, __u64 function, __u64 frame, __u32 depth) {
    if (depth < t->stack_ready) {
        struct at_ring_call *c = &t->stack[depth];
        c->function = function;
        c->frame = frame;
        c->edge = 0;
    }
    t->slot->depth = depth;
}

AT_COLD struct at_index_entry *at_ring_slow_pair(struct at_thread *t, __u64 function, __u64 caller) {
    if (t->index == 0) return at_index_add(t, function, caller);
    struct at_index_entry *e = at_index_find(t, function, caller);
    return e->function != 0 ? e : at_index_add(t, function, caller);
}

/* The call at `c` begins, whose edge and node are known. REQUIRES: busy, which it ends. */
static inline void at_ring_begin(struct at_thread *t, struct at_ring_call *c, __u64 frame, __u32 depth) {
    c->begin = 0;
    c->frame = frame;
    c->children_ticks = 0;
    c->below = 0;
    c->children = 0;
    ++t->active[c->node];
    t->slot->depth = depth;
    AT_BARRIER();
    t->busy = 0;
    c->begin = at_ring_ticks(t->counter);
}

/* What at_ring_enter leaves: another function than the last time at this depth, and all that is rare. Not in line, so
 * that what is usual needs no registers saved. */
static __attribute__((noinline)) void at_ring_enter_another(struct at_thread *t, __u64 function, __u64 frame) {
    struct at_ring_slot *s = t->slot;
    if (t->busy) {
        ++s->unpaired;
        return;
    }
    t->busy = 1;
    AT_BARRIER();
    const __u32 depth = s->depth + 1;
    if (depth >= t->stack_ready && at_thread_grow_stack(t) != 0) {
        ++s->unpaired;
        s->depth = depth;
    } else if (__atomic_load_n(t->mode, __ATOMIC_RELAXED) == AT_RING_OFF) {
        at_ring_enter_untold(t, function, frame, depth);
    } else {
        struct at_ring_call *c = &t->stack[depth];
        const __u64 caller = c[-1].function;
        struct at_index_entry *e;
        if (AT_UNLIKELY(t->index == 0) || AT_UNLIKELY((e = at_index_find(t, function, caller))->function == 0))
            e = at_ring_slow_pair(t, function, caller);
        if (e != 0) {
            c->function = function;
            c->caller = caller;
            c->edge = e->edge;
            c->node = e->node;
            at_ring_begin(t, c, frame, depth);
            return;
        }
        ++s->unpaired;
        at_ring_enter_untold(t, function, frame, depth);
    }
    AT_BARRIER();
    t->busy = 0;
}

/* `function` (never 0) is entered. `frame`: see at_ring_call. */
static inline void at_ring_enter(struct at_thread *t, __u64 function, __u64 frame) {
    const __u32 depth = t->slot->depth + 1;
    if (AT_UNLIKELY(t->busy | (depth >= t->stack_ready) | (__atomic_load_n(t->mode, __ATOMIC_RELAXED) == AT_RING_OFF))) {
        at_ring_enter_another(t, function, frame);
        return;
    }
    struct at_ring_call *c = &t->stack[depth];
    t->busy = 1;
    AT_BARRIER();
    /* An entry that is closed still says what was called there. */
    if (AT_UNLIKELY(c->function != function || c->caller != c[-1].function || c->edge == 0)) {
        t->busy = 0;
        at_ring_enter_another(t, function, frame);
        return;
    }
    at_ring_begin(t, c, frame, depth);
}

/* One record, or a loss. */
static inline void at_ring_tell(struct at_thread *t, const struct at_ring_call *c, __u64 end, __u32 depth_how) {
    struct at_ring_slot *s = t->slot;
    if (AT_UNLIKELY(s->records >= t->chunk_end) && at_thread_next_chunk(t) != 0) {
        ++s->lost;
        return;
    }
    struct at_ring_record *r = &t->chunk[s->records % AT_RING_CHUNK_RECORDS];
    r->begin = c->begin;
    r->end = end;
    r->below = c->below;
    r->edge = c->edge;
    r->depth_how = depth_how;
    __atomic_store_n(&s->records, s->records + 1, __ATOMIC_RELEASE);
}

/* The innermost open call ends. REQUIRES: busy, 0 < depth < stack_ready. */
static inline void at_ring_close(struct at_thread *t, __u64 end, __u32 how) {
    struct at_ring_slot *s = t->slot;
    const __u32 depth = s->depth;
    struct at_ring_call *c = &t->stack[depth];
    if (AT_UNLIKELY(depth <= t->raise_depth)) {
        t->raise_depth = depth - 1;
        if (how == AT_RING_RETURNED) how = AT_RING_RAISED;
    }
    if (c->edge != 0) {
        struct at_ring_edge *edge = &t->edges[c->edge];
        const __u64 ticks = end - c->begin;
        /* A handler that came between may have been longer than what is left of us. */
        edge->self += c->children_ticks < ticks ? ticks - c->children_ticks : 0;
        edge->children += c->children;
        if (--t->active[c->node] == 0) {
            ++edge->outer;
            edge->total += ticks;
            edge->below += c->below;
        }
        ++edge->calls;
        c[-1].children_ticks += ticks;
        c[-1].below += c->below + 1;
        ++c[-1].children;
        if (__atomic_load_n(t->mode, __ATOMIC_RELAXED) == AT_RING_RECORDS)
            at_ring_tell(t, c, end, (depth - 1) << 2 | how);
        __atomic_store_n(&s->calls, s->calls + 1, __ATOMIC_RELEASE);
    }
    __atomic_store_n(&s->depth, depth - 1, __ATOMIC_RELEASE);
}

/* Closes what is deeper than `depth` as cut: its frames are gone. REQUIRES: busy. */
AT_COLD void at_ring_cut_to(struct at_thread *t, __u32 depth, __u64 end) {
    while (t->slot->depth > depth) {
        if (t->slot->depth >= t->stack_ready) t->slot->depth = t->slot->depth - 1;
        else at_ring_close(t, end, AT_RING_CUT);
    }
}

/* Frames below `frame` are gone (longjmp to it, or an exception that was caught there): their calls are cut. */
AT_COLD void at_ring_cut(struct at_thread *t, __u64 frame) {
    if (t->busy) return;
    t->busy = 1;
    AT_BARRIER();
    __u32 depth = t->slot->depth < t->stack_ready ? t->slot->depth : t->stack_ready - 1;
    while (depth > 0 && t->stack[depth].frame != 0 && t->stack[depth].frame < frame) --depth;
    if (depth < t->slot->depth && depth + 1 < t->stack_ready) at_ring_cut_to(t, depth, at_ring_ticks(t->counter));
    AT_BARRIER();
    t->busy = 0;
}

/* A call is left that is not the innermost: those above it are cut; or one that was not seen entering: ignored. */
AT_COLD void at_ring_leave_odd(struct at_thread *t, __u64 function, __u64 end, __u32 how) {
    const __u32 open = t->slot->depth;
    if (open >= t->stack_ready) { /* too deep for an entry */
        t->slot->depth = open - 1;
        return;
    }
    __u32 depth = open;
    while (depth > 0 && t->stack[depth].function != function) --depth;
    if (depth == 0) return;
    at_ring_cut_to(t, depth, end);
    at_ring_close(t, end, how);
}

/* `function` is left; `how` is at_ring_how. */
static inline void at_ring_leave(struct at_thread *t, __u64 function, __u32 how) {
    const __u64 end = at_ring_ticks(t->counter);
    if (AT_UNLIKELY(t->busy)) return;
    t->busy = 1;
    AT_BARRIER();
    const __u32 depth = t->slot->depth;
    if (AT_UNLIKELY(depth >= t->stack_ready) || AT_UNLIKELY(t->stack[depth].function != function))
        at_ring_leave_odd(t, function, end, how);
    else
        at_ring_close(t, end, how);
    AT_BARRIER();
    t->busy = 0;
}

/* An exception leaves the calls that are open now, until one of them catches it. */
static inline void at_ring_raise(struct at_thread *t) { t->raise_depth = t->slot->depth; }
static inline void at_ring_caught(struct at_thread *t) { t->raise_depth = 0; }
