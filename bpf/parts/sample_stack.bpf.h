/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The stack of the running thread: user space's, CPython's, on request the kernel's. Told in whole when it is new,
 * by its number from then on: a sample is 24 bytes then, whatever its stack's depth, and no number of stacks is
 * too many. The scratch is a CPU's: programs that take stacks on the same CPU must not interrupt each other, which is
 * why memory is never sampled together with clock ticks (SamplerProgram).
 */
#ifndef AUTOTUNE_BPF_PARTS_SAMPLE_STACK_BPF_H
#define AUTOTUNE_BPF_PARTS_SAMPLE_STACK_BPF_H

const volatile __u32 kernel_frames = 0; /* wanted */

#define AT_PYTHON_WORDS (sizeof(struct at_python_frame) / sizeof(__u64))
#define AT_CODE_WORDS (AT_MAX_NATIVE_FRAMES * sizeof(__u16) / sizeof(__u64))
#define AT_FRAME_WORDS 2048 /* a power of two: an index is masked */
_Static_assert(AT_MAX_PYTHON_FRAMES * AT_PYTHON_WORDS + AT_MAX_POINTER_FRAMES + AT_MAX_NATIVE_FRAMES + AT_CODE_WORDS <=
                   AT_FRAME_WORDS,
               "there is room for every stack");

struct scratch {
    struct at_python_walker python;
    struct at_python_offsets offsets;
    struct at_met_process met[AT_MET_PROCESSES];
    __u64 start_ns; /* of the process */
    __u32 pid;
    __u32 words;       /* of `frames` that are filled */
    __u64 hash;
    __u32 next_number; /* for an address */
    __u32 is_sampled;  /* the sample has been told with its stack */
    __u32 space;       /* of the process; 0: there are no tables for it */
    __u32 is_python;
    struct at_stack stack; /* told together with what follows it */
    __u64 frames[AT_FRAME_WORDS];
};
_Static_assert(__builtin_offsetof(struct scratch, frames) == __builtin_offsetof(struct scratch, stack) + sizeof(struct at_stack),
               "they are told as one");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct scratch);
} scratches SEC(".maps");

_Static_assert((AT_MAX_PYTHON_FRAMES & (AT_MAX_PYTHON_FRAMES - 1)) == 0, "an index is masked");

static __always_inline struct scratch* this_scratch(void) {
    __u32 zero = 0;
    return bpf_map_lookup_elem(&scratches, &zero);
}

static long mix_word(__u32 i, void* unused) {
    struct scratch* s = this_scratch();
    if (!s) return 1;
    s->hash = at_mixed(s->hash, s->frames[i & (AT_FRAME_WORDS - 1)]);
    return 0;
}

/* Where the running thread entered the kernel. False on architectures whose recipes we do not have. */
static __always_inline int saved_registers(struct at_unwind_registers* to) {
#if defined(__TARGET_ARCH_x86)
    const struct pt_regs___sampler* saved = (void*)bpf_task_pt_regs(bpf_get_current_task_btf());
    to->ip = BPF_CORE_READ(saved, ip);
    to->sp = BPF_CORE_READ(saved, sp);
    to->bp = BPF_CORE_READ(saved, bp);
    return to->ip != 0;
#else
    return 0;
#endif
}

/* What every record of the running thread begins with, and whose it is. False: there was no room to tell. */
static __always_inline int begin_sample(struct scratch* s, __u64 scope, struct task_struct___sampler* task) {
    const __u64 both = bpf_get_current_pid_tgid();
    s->pid = both >> 32;
    s->start_ns = BPF_CORE_READ(task, group_leader, start_boottime);
    s->stack.head.tid = (__u32)both;
    s->stack.head.at_ns = bpf_ktime_get_ns();
    struct at_met_process* met = &s->met[s->pid & (AT_MET_PROCESSES - 1)];
    if (!meet_process(met, s->pid, s->start_ns, scope)) {
        count(AT_COUNT_ATTEMPTED);
        count(AT_COUNT_RING_FULL);
        return 0;
    }
    s->stack.head.process = met->number;
    s->space = met->space;
    s->is_python = met->is_python;
    return 1;
}

/* Of one that user space walks nobody knows yet whether it is another's like: it has a number of its own. */
static __always_inline void copy_unwalked(struct scratch* s, const struct at_unwind_registers* registers,
                                          __u32 space) {
    if (!copy_stack(&s->stack.head, s->pid, s->start_ns, registers, space)) return;
    s->stack.head.native_result |= AT_NATIVE_COPIED;
    s->hash = at_mixed(at_mixed(s->hash, s->stack.head.at_ns), s->stack.head.tid);
}

/* Where the kernel puts the frames that it walked: behind all others. */
#define AT_POINTERS_AT (AT_FRAME_WORDS - AT_MAX_POINTER_FRAMES)
_Static_assert(AT_MAX_PYTHON_FRAMES * AT_PYTHON_WORDS + AT_MAX_POINTER_FRAMES <= AT_POINTERS_AT, "they overwrite no other's");

static long take_pointer(__u32 i, void* unused) {
    struct scratch* s = this_scratch();
    struct at_walk* w = this_walk();
    if (!s || !w || i >= AT_MAX_POINTER_FRAMES) return 1;
    const __u64 address = s->frames[AT_POINTERS_AT + i];
    s->hash = at_mixed(s->hash, address);
    w->frames[i].address = address;
    w->frames[i].code = 0;
    return 0;
}

/* The native frames: w's. */
static __always_inline void take_native(void* ctx, struct scratch* s, struct at_walk* w,
                                        const struct at_unwind_registers* registers) {
    w->registers = *registers;
    w->hash = s->hash;
    if (walk_by_tables(w, s->space)) {
        s->hash = at_mixed(w->hash, w->space);
        s->stack.head.native_result = w->result;
        if (w->result == AT_NATIVE_UNMAPPED) copy_unwalked(s, registers, w->space);
        return;
    }
    s->stack.head.native_result = AT_NATIVE_POINTERS;
    copy_unwalked(s, registers, 0);
    long got = bpf_get_stack(ctx, s->frames + AT_POINTERS_AT, AT_MAX_POINTER_FRAMES * sizeof(__u64), BPF_F_USER_STACK);
    if (got < 0) got = 0;
    if (got > AT_MAX_POINTER_FRAMES * 8) got = AT_MAX_POINTER_FRAMES * 8;
    w->count = got / sizeof(__u64);
    bpf_loop(w->count, take_pointer, 0, 0);
}

static long python_turn(__u32 i, void* unused) {
    struct scratch* s = this_scratch();
    if (!s) return 1;
    const int result = at_python_turn(&s->offsets, (struct at_python_frame*)s->frames, &s->python);
    if (result == AT_PYTHON_GOES_ON) return 0;
    s->stack.head.python_result = result;
    return 1;
}

/* How many frames. */
static __always_inline __u32 take_python(struct scratch* s, struct task_struct___sampler* task) {
    s->stack.head.python_result = AT_PYTHON_NONE;
    if (!s->is_python) return 0;
    const __u32 pid = s->pid;
    const struct at_python_process* process = bpf_map_lookup_elem(&python_processes, &pid);
    if (!process || process->start_ns != s->start_ns) return 0;
    __u64 self = 0; /* pthread_self() of glibc and musl is the thread's base address, on x86-64 */
    if (bpf_core_field_exists(task->thread.fsbase)) self = BPF_CORE_READ(task, thread.fsbase);
    at_python_begin(process, self, &s->python);
    s->offsets = process->offsets;
    s->stack.head.python_result = AT_PYTHON_CUT;
    bpf_loop(AT_MAX_PYTHON_TURNS, python_turn, 0, 0);
    const __u32 python = s->python.count;
    return python > AT_MAX_PYTHON_FRAMES ? AT_MAX_PYTHON_FRAMES : python;
}

/* An address that has no number is told in whole. */
static long put_fresh_frame(__u32 i, void* unused) {
    struct scratch* s = this_scratch();
    struct at_walk* w = this_walk();
    if (!s || !w) return 1;
    i &= AT_MAX_NATIVE_FRAMES - 1;
    if ((w->codes[i] = w->frames[i].code)) return 0;
    __u32 at = s->words;
    AT_WALK_FORGET(at);
    at &= AT_FRAME_WORDS - 1;
    s->frames[at] = w->frames[i].address;
    s->words = at + 1;
    return 0;
}

/* … and has one from then on. */
static long remember_frame(__u32 i, void* unused) {
    struct scratch* s = this_scratch();
    const struct at_walk* w = this_walk();
    if (!s || !w) return 1;
    i &= AT_MAX_NATIVE_FRAMES - 1;
    const struct at_walked_frame* frame = &w->frames[i];
    if (frame->code) return 0;
    const __u32 number = s->next_number;
    if (number > AT_LAST_ADDRESS) return 1;
    s->next_number = number + 1;
    const struct address_key key = {
        .address = frame->address, .space = w->space, .is_return = (frame->recipe & AT_WALK_IS_RETURN) != 0};
    const struct told_address told = {
        .number = number, .epoch = w->epoch, .recipe = frame->recipe & ~AT_WALK_IS_RETURN};
    put_told_address(&key, &told);
    return 0;
}

/* Tells the stack that was taken, behind `words` of Python's and the kernel's frames. False: no room. */
static __always_inline int tell_stack(struct scratch* s, const struct at_walk* w, __u32 words) {
    __u32 native = w->count;
    if (native > AT_MAX_NATIVE_FRAMES) native = AT_MAX_NATIVE_FRAMES;
    s->words = words;
    bpf_loop(native, put_fresh_frame, 0, 0);
    __u64 end = s->words;
    const __u32 fresh = end - words;
    const int has_tables = w->space != 0;
    const __u32 first = has_tables && fresh ? take_address_numbers(w->epoch, fresh) : 0;
    s->stack.native_frames = native;
    s->stack.fresh_frames = fresh;
    s->stack.epoch = w->epoch;
    s->stack.first = first;
    s->stack.reserved = 0;
    if (end > AT_FRAME_WORDS - AT_CODE_WORDS) return 0;
    __u64 code_bytes = (__u64)native * sizeof(__u16);
    if (code_bytes > AT_MAX_NATIVE_FRAMES * sizeof(__u16)) return 0;
    if (bpf_probe_read_kernel((void*)s->frames + end * sizeof(__u64), code_bytes, w->codes)) return 0;
    __u64 size = sizeof(struct at_stack) + end * sizeof(__u64) + code_bytes;
    AT_WALK_FORGET(size); /* the compiler knows that it is bounded, Linux 6.1's verifier does not */
    if (size > sizeof(struct at_stack) + sizeof s->frames) return 0;
    /* A stack that was copied: the sooner somebody reads the process's files, the fewer have to be. */
    const int is_urgent = s->stack.head.native_result & AT_NATIVE_COPIED;
    if (bpf_ringbuf_output(&samples, &s->stack, size, is_urgent ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP)) return 0;
    s->next_number = first;
    if (first) bpf_loop(native, remember_frame, 0, 0);
    return 1;
}

/* Takes the stack of the running thread and tells it if it is new. Its number; the sample is to be told yet unless
 * s->is_sampled. REQUIRES: begin_sample(). */
static __always_inline __u32 take_stack(void* ctx, struct scratch* s, struct task_struct___sampler* task,
                                        const struct at_unwind_registers* registers, __u32 of) {
    s->is_sampled = 0;
    struct at_walk* w = this_walk();
    if (!w) return s->stack.head.stack = AT_STACK_NONE;
    s->hash = at_mixed(at_mixed(told_seed, s->start_ns ^ s->pid), (__u64)BPF_CORE_READ(task, mm));
    const __u32 python = take_python(s, task);
    __u64 size = python * sizeof(struct at_python_frame);
    long kernel = 0;
    if (kernel_frames) kernel = bpf_get_stack(ctx, (void*)s->frames + size, AT_MAX_POINTER_FRAMES * sizeof(__u64), 0);
    if (kernel < 0) kernel = 0;
    if (kernel > AT_MAX_POINTER_FRAMES * 8) kernel = AT_MAX_POINTER_FRAMES * 8;
    size += kernel;
    s->stack.python_frames = python;
    s->stack.kernel_frames = kernel / sizeof(__u64);
    bpf_loop(size / sizeof(__u64), mix_word, 0, 0);
    take_native(ctx, s, w, registers);
    if (!size && !w->count) count(AT_COUNT_UNREADABLE);

    s->hash = at_mixed(s->hash, (__u64)s->stack.head.python_result << 8 | s->stack.head.native_result);
    s->hash = at_mixed(s->hash, (__u64)python << 32 | w->count);
    const __u64 hash = s->hash;
    __u32 number = told_stack(hash);
    if (number) return s->stack.head.stack = number;
    number = __sync_fetch_and_add(&last_stack, 1);
    if (number < AT_FIRST_STACK) number += AT_FIRST_STACK;
    s->stack.head.stack = number;
    s->stack.head.record = AT_RECORD_STACK;
    s->stack.head.of = of == AT_SAMPLE_TICK ? AT_SAMPLE_TICK : AT_SAMPLE_LATER;
    if (!tell_stack(s, w, size / sizeof(__u64))) {
        count(AT_COUNT_STACK_LOST);
        return number;
    }
    /* A copied stack is like no other, and would only take another's place. */
    if (!(s->stack.head.native_result & AT_NATIVE_COPIED)) put_told_stack(hash, number);
    if (of == AT_SAMPLE_TICK) {
        count(AT_COUNT_ATTEMPTED);
        s->is_sampled = 1;
    }
    return number;
}

/* A sample of the thread whose stack was taken; false: no room. */
static __always_inline int tell_sample(struct scratch* s, __u32 of, __u64 weight) {
    count(AT_COUNT_ATTEMPTED);
    s->stack.head.record = AT_RECORD_SAMPLE;
    s->stack.head.of = of;
    if (of == AT_SAMPLE_TICK) {
        if (!bpf_ringbuf_output(&samples, &s->stack.head, sizeof s->stack.head, BPF_RB_NO_WAKEUP)) return 1;
        count(AT_COUNT_RING_FULL);
        return 0;
    }
    struct at_sample* sample = bpf_ringbuf_reserve(&samples, sizeof *sample, 0);
    if (!sample) {
        count(AT_COUNT_RING_FULL);
        return 0;
    }
    sample->head = s->stack.head;
    sample->weight = weight;
    bpf_ringbuf_submit(sample, BPF_RB_NO_WAKEUP);
    return 1;
}

#endif
