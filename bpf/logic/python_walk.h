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

/*
 * The walk, in turns of bpf_loop: the verifier then goes through one thread and one frame instead of all of them. First
 * a turn a thread until it is found, then a turn a frame, innermost first, into `frames`, which has room for
 * AT_MAX_PYTHON_FRAMES.
 */
struct at_python_walker {
    __u64 self; /* the thread's pthread_self() */
    __u64 at;   /* a thread's state, later a frame */
    __u32 threads; /* looked at */
    __u32 count;   /* of frames read */
    __u32 in_frames;
    __u32 reserved;
};

#define AT_PYTHON_GOES_ON (-1)
/* Shims take turns too: one a C call into Python. */
#define AT_MAX_PYTHON_TURNS (AT_MAX_PYTHON_THREADS + 1 + AT_MAX_PYTHON_FRAMES + 32)

AT_WALK_INLINE void at_python_begin(const struct at_python_process* process, __u64 self, struct at_python_walker* w) {
    const struct at_python_offsets* o = &process->offsets;
    w->self = self;
    w->at = 0;
    w->threads = 0;
    w->count = 0;
    w->in_frames = 0;
    if (!self) return; /* not known on this architecture */
    if (o->runtime_current_thread) {
        const __u64 current = at_python_word(process->runtime + o->runtime_current_thread);
        if (current && at_python_word(current + o->thread_id) == self) {
            w->at = current;
            return;
        }
    }
    const __u64 interpreter = at_python_word(process->runtime + o->runtime_interpreter);
    if (interpreter) w->at = at_python_word(interpreter + o->interpreter_threads);
}

AT_WALK_INLINE int at_python_thread_turn(const struct at_python_offsets* o, struct at_python_walker* w) {
    const __u64 thread = w->at;
    if (!thread || w->threads >= AT_MAX_PYTHON_THREADS) return AT_PYTHON_NO_THREAD;
    if (at_python_word(thread + o->thread_id) != w->self) {
        w->at = at_python_word(thread + o->thread_next);
        w->threads += 1;
        return AT_PYTHON_GOES_ON;
    }
    __u64 frame = at_python_word(thread + o->thread_frame);
    if (o->has_cframe && frame) frame = at_python_word(frame + o->cframe_frame);
    w->at = frame;
    w->in_frames = 1;
    return frame ? AT_PYTHON_GOES_ON : AT_PYTHON_NO_THREAD;
}

AT_WALK_INLINE int at_python_frame_turn(const struct at_python_offsets* o, struct at_python_frame* frames,
                                        struct at_python_walker* w) {
    const __u64 frame = w->at;
    __u32 n = w->count;
    if (n >= AT_MAX_PYTHON_FRAMES) return AT_PYTHON_CUT;
    /* Linux 6.1 forgets that test when clang has n on the stack by then; clang must forget it too. */
    AT_WALK_FORGET(n);
    n &= AT_MAX_PYTHON_FRAMES - 1;
    const int got = at_python_read_frame(o, frame, &frames[n]);
    if (got < 0) return AT_PYTHON_CUT;
    if (got == 0) w->count = n + 1;
    if (got == 1 && n) frames[(n - 1) & (AT_MAX_PYTHON_FRAMES - 1)].code |= AT_PYTHON_ENTRY;
    __u64 back = 0;
    if (at_read_user(&back, sizeof back, frame + o->frame_back)) return AT_PYTHON_CUT;
    w->at = back;
    return back ? AT_PYTHON_GOES_ON : AT_PYTHON_WHOLE;
}

/* at_python_result when the walk is over, else AT_PYTHON_GOES_ON. Out of turns: AT_PYTHON_CUT. */
AT_WALK_INLINE int at_python_turn(const struct at_python_offsets* o, struct at_python_frame* frames,
                                  struct at_python_walker* w) {
    return w->in_frames ? at_python_frame_turn(o, frames, w) : at_python_thread_turn(o, w);
}

#endif
