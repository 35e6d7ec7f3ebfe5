/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The stack of the running thread: user space's, CPython's, on request the kernel's. Told in whole when it is new,
 * by its number (a hash) from then on: a sample is 56 bytes, whatever its stack's depth, and no number of stacks is
 * too many. The scratch is a CPU's: programs that take stacks on the same CPU must not interrupt each other, which is
 * why memory is never sampled together with clock ticks (SamplerProgram).
 */
#ifndef AUTOTUNE_BPF_PARTS_SAMPLE_STACK_BPF_H
#define AUTOTUNE_BPF_PARTS_SAMPLE_STACK_BPF_H

const volatile __u32 kernel_frames = 0; /* wanted */
const volatile __u64 stack_seed = 0;    /* of the hash: nobody shall be able to make two stacks look the same */

/* LRU: a process that nobody removes goes by itself. */
struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 4096);
    __type(key, __u32);
    __type(value, struct at_python_process);
} python_processes SEC(".maps");

/* Stacks that were told. What falls out is told again. */
struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 32768);
    __type(key, __u64);
    __type(value, __u32);
} told_stacks SEC(".maps");

#define AT_FRAME_BYTES                                                                  \
    (AT_MAX_PYTHON_FRAMES * sizeof(struct at_python_frame) + AT_MAX_NATIVE_FRAMES * 8 + \
     AT_MAX_POINTER_FRAMES * 8)
#define AT_FRAME_WORDS 2048 /* the next power of two */
_Static_assert(AT_FRAME_BYTES <= AT_FRAME_WORDS * 8, "an index is masked");

struct scratch {
    struct at_python_walker python;
    struct at_python_offsets offsets;
    __u64 hash;
    struct at_stack stack;
    __u64 frames[AT_FRAME_WORDS];
};
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

static __always_inline __u64 mixed(__u64 hash, __u64 word) {
    hash = (hash ^ word) * 0x9e3779b97f4a7c15ull;
    return hash ^ (hash >> 29);
}

static long mix_word(__u32 i, void* unused) {
    struct scratch* s = this_scratch();
    if (!s) return 1;
    s->hash = mixed(s->hash, s->frames[i & (AT_FRAME_WORDS - 1)]);
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

/* Of one that user space walks nobody knows yet whether it is another's like: it has a number of its own. */
static __always_inline void copy_unwalked(struct scratch* s, const struct at_unwind_registers* registers,
                                          __u32 space) {
    if (!copy_stack(&s->stack.head, registers, space)) return;
    s->stack.native_result |= AT_NATIVE_COPIED;
    s->hash = mixed(mixed(s->hash, s->stack.head.at_ns), s->stack.head.tid);
}

/* The native frames, behind `at` bytes of the scratch's; how many bytes. */
static __always_inline __u64 take_native(void* ctx, struct scratch* s, const struct at_unwind_registers* registers,
                                         __u64 at) {
    struct at_walk* walk =
        registers->ip ? walk_by_tables(s->stack.head.pid, s->stack.head.start_ns, registers) : 0;
    if (walk) {
        __u64 size = (__u64)walk->count * sizeof(__u64);
        if (size > AT_MAX_NATIVE_FRAMES * sizeof(__u64)) size = AT_MAX_NATIVE_FRAMES * sizeof(__u64);
        s->stack.native_result = walk->result;
        s->hash = mixed(s->hash, walk->space);
        if (walk->result == AT_NATIVE_UNMAPPED) copy_unwalked(s, registers, walk->space);
        return bpf_probe_read_kernel((void*)s->frames + at, size, walk->frames) ? 0 : size;
    }
    s->stack.native_result = AT_NATIVE_POINTERS;
    copy_unwalked(s, registers, 0);
    const long got =
        bpf_get_stack(ctx, (void*)s->frames + at, AT_MAX_POINTER_FRAMES * sizeof(__u64), BPF_F_USER_STACK);
    return got > 0 ? got : 0;
}

static long python_turn(__u32 i, void* unused) {
    struct scratch* s = this_scratch();
    if (!s) return 1;
    const int result = at_python_turn(&s->offsets, (struct at_python_frame*)s->frames, &s->python);
    if (result == AT_PYTHON_GOES_ON) return 0;
    s->stack.python_result = result;
    return 1;
}

/* How many frames. */
static __always_inline __u32 take_python(struct scratch* s, struct task_struct___sampler* task) {
    s->stack.python_result = AT_PYTHON_NONE;
    const __u32 pid = s->stack.head.pid;
    const struct at_python_process* process = bpf_map_lookup_elem(&python_processes, &pid);
    if (!process || process->start_ns != s->stack.head.start_ns) return 0;
    __u64 self = 0; /* pthread_self() of glibc and musl is the thread's base address, on x86-64 */
    if (bpf_core_field_exists(task->thread.fsbase)) self = BPF_CORE_READ(task, thread.fsbase);
    at_python_begin(process, self, &s->python);
    s->offsets = process->offsets;
    s->stack.python_result = AT_PYTHON_CUT;
    bpf_loop(AT_MAX_PYTHON_TURNS, python_turn, 0, 0);
    const __u32 python = s->python.count;
    return python > AT_MAX_PYTHON_FRAMES ? AT_MAX_PYTHON_FRAMES : python;
}

/* Takes the stack of the running thread, whose head is filled in, and tells it if it is new. Its number. */
static __always_inline __u64 take_stack(void* ctx, struct scratch* s, struct task_struct___sampler* task,
                                        const struct at_unwind_registers* registers) {
    s->hash = mixed(mixed(stack_seed, s->stack.head.start_ns ^ s->stack.head.pid), (__u64)BPF_CORE_READ(task, mm));
    const __u32 python = take_python(s, task);
    __u64 size = python * sizeof(struct at_python_frame);
    __u64 native = take_native(ctx, s, registers, size);
    if (native > AT_MAX_NATIVE_FRAMES * sizeof(__u64)) native = AT_MAX_NATIVE_FRAMES * sizeof(__u64);
    size += native;
    long kernel = 0;
    if (kernel_frames) kernel = bpf_get_stack(ctx, (void*)s->frames + size, AT_MAX_POINTER_FRAMES * sizeof(__u64), 0);
    if (kernel < 0) kernel = 0;
    if (kernel > AT_MAX_POINTER_FRAMES * 8) kernel = AT_MAX_POINTER_FRAMES * 8;
    size += kernel;
    s->stack.python_frames = python;
    s->stack.native_frames = native / sizeof(__u64);
    s->stack.kernel_frames = kernel / sizeof(__u64);
    if (!python && !size) count(AT_COUNT_UNREADABLE);

    s->hash = mixed(s->hash, (__u64)s->stack.python_result << 8 | s->stack.native_result);
    s->hash = mixed(s->hash, (__u64)python << 32 | native);
    bpf_loop(size / sizeof(__u64), mix_word, 0, 0);
    __u64 number = s->hash;
    if (number < AT_FIRST_STACK) number += AT_FIRST_STACK;
    if (bpf_map_lookup_elem(&told_stacks, &number)) return number;
    s->stack.number = number;
    s->stack.head.record = AT_RECORD_STACK;
    size += sizeof(struct at_stack);
    if (size > sizeof(struct at_stack) + AT_FRAME_BYTES) return number;
    /* Without tables: the sooner somebody reads the process's files, the fewer stacks are cut. */
    const __u64 wake = (s->stack.native_result & ~AT_NATIVE_COPIED) == AT_NATIVE_POINTERS ? 0 : BPF_RB_NO_WAKEUP;
    if (bpf_ringbuf_output(&samples, &s->stack, size, wake)) {
        count(AT_COUNT_STACK_LOST);
        return number;
    }
    const __u32 yes = 1;
    bpf_map_update_elem(&told_stacks, &number, &yes, BPF_ANY);
    return number;
}

/* A sample of the thread whose stack was taken; false: no room. */
static __always_inline int tell_sample(const struct scratch* s, __u32 of, __u64 stack, __u64 weight) {
    count(AT_COUNT_ATTEMPTED);
    struct at_sample* sample = bpf_ringbuf_reserve(&samples, sizeof *sample, 0);
    if (!sample) {
        count(AT_COUNT_RING_FULL);
        return 0;
    }
    sample->head = s->stack.head;
    sample->head.record = AT_RECORD_SAMPLE;
    sample->head.of = of;
    sample->stack = stack;
    sample->weight = weight;
    bpf_ringbuf_submit(sample, BPF_RB_NO_WAKEUP);
    return 1;
}

#endif
