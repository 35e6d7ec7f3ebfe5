/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Walks the frames of the CPython thread that runs now. Compiles for BPF and for the host's tests; the
 * includer defines at_read_user(to, size, address), which returns 0 when it has read.
 *
 * The thread is the one whose thread_id is the caller's pthread_self(): that holds with and without the
 * GIL and in any pid namespace. The thread with the GIL is tried first, it is nearly always the one. */
#ifndef AUTOTUNE_BPF_LOGIC_PYTHON_WALK_H
#define AUTOTUNE_BPF_LOGIC_PYTHON_WALK_H

#include "bpf/sampler_wire.h"

#ifdef __bpf__
#define AT_WALK_INLINE static __attribute__((always_inline)) inline
#define AT_WALK_FORGET(value) asm volatile("" : "+r"(value))
#else
#define AT_WALK_INLINE static inline
#define AT_WALK_FORGET(value)
#endif

AT_WALK_INLINE __u64 at_python_word(__u64 address) {
    __u64 word = 0;
    if (address < 4096 || at_read_user(&word, sizeof word, address)) return 0;
    return word;
}

/* The thread state of thread `self`; 0 when the interpreter has none. */
AT_WALK_INLINE __u64 at_python_thread(const struct at_python_process* process, __u64 self) {
    const struct at_python_offsets* o = &process->offsets;
    if (!self) return 0; /* not known on this architecture */
    if (o->runtime_current_thread) {
        const __u64 current = at_python_word(process->runtime + o->runtime_current_thread);
        if (current && at_python_word(current + o->thread_id) == self) return current;
    }
    const __u64 interpreter = at_python_word(process->runtime + o->runtime_interpreter);
    if (!interpreter) return 0;
    __u64 thread = at_python_word(interpreter + o->interpreter_threads);
    for (int i = 0; i < AT_MAX_PYTHON_THREADS; ++i) {
        if (!thread || at_python_word(thread + o->thread_id) == self) break;
        thread = at_python_word(thread + o->thread_next);
        if (i == AT_MAX_PYTHON_THREADS - 1) thread = 0;
    }
    return thread;
}

/* One frame into `f`. 0: read; 1: a shim, nothing to show; -1: unreadable. */
AT_WALK_INLINE int at_python_read_frame(const struct at_python_offsets* o, __u64 frame,
                                        struct at_python_frame* f) {
    if (o->shim_owner) {
        __u8 owner = 0;
        if (at_read_user(&owner, sizeof owner, frame + o->frame_owner)) return -1;
        if (owner == o->shim_owner) return 1;
    }
    const __u64 code = at_python_word(frame + o->frame_code);
    if (!code) return -1;
    __u8 entry = !o->shim_owner;
    if (o->frame_entry && at_read_user(&entry, sizeof entry, frame + o->frame_entry)) return -1;
    f->code = entry ? code | AT_PYTHON_ENTRY : code;
    f->instruction = 0;
    if (o->instruction_size == 4) {
        __u32 last = 0;
        if (at_read_user(&last, sizeof last, frame + o->frame_instruction)) return -1;
        f->instruction = last;
    } else {
        f->instruction = at_python_word(frame + o->frame_instruction);
    }
    f->identity = at_python_word(code + o->code_identity);
    return 0;
}

/* Frames innermost first into `frames`, room for AT_MAX_PYTHON_FRAMES; `count` is always set. Returns
 * at_python_result. For BPF `count` is in a map's value and read afresh each time: what the verifier does
 * not know it does not enumerate, and the loop is cheap to prove. */
AT_WALK_INLINE int at_python_walk(const struct at_python_process* process, __u64 self,
                                  struct at_python_frame* frames, volatile __u32* count) {
    const struct at_python_offsets* o = &process->offsets;
    *count = 0;
    const __u64 thread = at_python_thread(process, self);
    if (!thread) return AT_PYTHON_NO_THREAD;
    __u64 frame = at_python_word(thread + o->thread_frame);
    if (o->has_cframe && frame) frame = at_python_word(frame + o->cframe_frame);
    if (!frame) return AT_PYTHON_NO_THREAD;
    /* Shims take turns of the loop too: one a C call into Python. */
    for (int i = 0; i < AT_MAX_PYTHON_FRAMES + 32; ++i) {
        __u32 n = *count;
        if (n >= AT_MAX_PYTHON_FRAMES) return AT_PYTHON_CUT;
        /* Linux 6.1 forgets that test when clang has n on the stack by then; clang must forget it too. */
        AT_WALK_FORGET(n);
        n &= AT_MAX_PYTHON_FRAMES - 1;
        const int got = at_python_read_frame(o, frame, &frames[n]);
        if (got < 0) return AT_PYTHON_CUT;
        if (got == 0) *count = n + 1;
        if (got == 1 && n) frames[(n - 1) & (AT_MAX_PYTHON_FRAMES - 1)].code |= AT_PYTHON_ENTRY;
        if (at_read_user(&frame, sizeof frame, frame + o->frame_back)) return AT_PYTHON_CUT;
        if (!frame) return AT_PYTHON_WHOLE;
    }
    return AT_PYTHON_CUT;
}

/*
 * The same walk in turns, for bpf_loop: the verifier then goes through one frame instead of all. (Not for the whole walk
 * above: what the compiler makes of it in turns costs the verifier more where it cannot be a callback.)
 */

/* The innermost frame of thread `self`; 0: the interpreter has no state for it. */
AT_WALK_INLINE __u64 at_python_innermost(const struct at_python_process* process, __u64 self) {
    const struct at_python_offsets* o = &process->offsets;
    const __u64 thread = at_python_thread(process, self);
    if (!thread) return 0;
    const __u64 frame = at_python_word(thread + o->thread_frame);
    return o->has_cframe && frame ? at_python_word(frame + o->cframe_frame) : frame;
}

#define AT_PYTHON_GOES_ON (-1)
#define AT_MAX_PYTHON_TURNS (AT_MAX_PYTHON_FRAMES + 32)

/* From *frame to the one that called it: at_python_result when the walk is over, else AT_PYTHON_GOES_ON. */
AT_WALK_INLINE int at_python_step(const struct at_python_offsets* o, struct at_python_frame* frames,
                                  volatile __u32* count, __u64* frame) {
    __u32 n = *count;
    if (n >= AT_MAX_PYTHON_FRAMES) return AT_PYTHON_CUT;
    /* Linux 6.1 forgets that test when clang has n on the stack by then; clang must forget it too. */
    AT_WALK_FORGET(n);
    n &= AT_MAX_PYTHON_FRAMES - 1;
    const int got = at_python_read_frame(o, *frame, &frames[n]);
    if (got < 0) return AT_PYTHON_CUT;
    if (got == 0) *count = n + 1;
    if (got == 1 && n) frames[(n - 1) & (AT_MAX_PYTHON_FRAMES - 1)].code |= AT_PYTHON_ENTRY;
    __u64 back = 0;
    if (at_read_user(&back, sizeof back, *frame + o->frame_back)) return AT_PYTHON_CUT;
    *frame = back;
    return back ? AT_PYTHON_GOES_ON : AT_PYTHON_WHOLE;
}

#endif
