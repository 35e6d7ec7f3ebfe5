// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
// Takes the user stack, and CPython's frames, of the thread that runs when this CPU's clock ticks, if its
// cgroup is traced. Also says when a traced process becomes another program, at once: agent/symbols then
// reads its mappings while they are still there. Records: bpf/sampler_wire.h.
// libbpf's headers want the kernel's types before them.
// clang-format off
#include <linux/bpf.h>
#include <linux/bpf_perf_event.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
// clang-format on

#include "bpf/sampler_wire.h"
#include "bpf/tracked.bpf.h"

#define at_read_user(to, size, address) bpf_probe_read_user(to, size, (const void*)(address))
#include "bpf/logic/python_walk.h"
#include "bpf/parts/unwind.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

// The fields needed of kernel types, found by CO-RE; the suffix keeps them apart from other headers'.
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct mm_struct___sampler {
    unsigned long start_code;
    unsigned long end_code;
};
struct thread_struct___sampler {
    unsigned long fsbase;  // x86
};
struct signal_struct___sampler {
    struct {
        int counter;
    } live;
};
struct task_struct___sampler {
    int tgid;
    struct signal_struct___sampler* signal;
    struct mm_struct___sampler* mm;
    struct task_struct___sampler* group_leader;
    __u64 start_boottime;
    struct thread_struct___sampler thread;
};
struct inode___sampler {
    unsigned long i_ino;
};
struct file___sampler {
    struct inode___sampler* f_inode;
};
struct pt_regs___sampler {
    unsigned long bp, ip, sp;  // x86
};
struct linux_binprm___sampler {
    const char* interp;  // what really runs: of a script, its interpreter
    struct file___sampler* file;
};
#pragma clang attribute pop

// 1: tracked_cgroups holds the roots of traced subtrees, tracked_processes the traced processes, put there by
// user space and, of processes that are started, by on_fork. 0: they are the BPF source's maps, where everything
// that is traced has its entry already.
const volatile __u32 match_ancestors = 0;

// LRU: a process that nobody removes goes by itself.
struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 4096);
    __type(key, __u32);
    __type(value, struct at_python_process);
} python_processes SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 1 << 20);
} samples SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, AT_SAMPLER_COUNTS);
    __type(key, __u32);
    __type(value, __u64);
} sampler_counts SEC(".maps");

struct scratch {
    __u32 python_count;
    __u32 reserved;
    struct at_sample sample;
    __u8 frames[AT_MAX_PYTHON_FRAMES * sizeof(struct at_python_frame) + AT_MAX_NATIVE_FRAMES * sizeof(__u64)];
};
struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct scratch);
} scratches SEC(".maps");

_Static_assert((AT_MAX_PYTHON_FRAMES & (AT_MAX_PYTHON_FRAMES - 1)) == 0, "an index is masked");

static void count(__u32 what) {
    __u64* counter = bpf_map_lookup_elem(&sampler_counts, &what);
    if (counter) ++*counter;
}

// The scope of the running thread (bpf/wire.h), 0 when it is not traced.
static __always_inline __u64 scope_of_current(void) {
    const __u64 cgroup = bpf_get_current_cgroup_id();
    const __u64 scope = at_tracked_scope(bpf_get_current_pid_tgid() >> 32, cgroup);
    if (scope || !match_ancestors) return scope;
    for (int level = 0; level < 16; ++level) {
        __u64 ancestor = bpf_get_current_ancestor_cgroup_id(level);
        if (!ancestor) break;
        if (bpf_map_lookup_elem(&tracked_cgroups, &ancestor)) return cgroup;
    }
    return 0;
}

static __always_inline void fill_head(struct at_sampler_head* head, __u32 record, __u64 scope,
                                      struct task_struct___sampler* task) {
    const __u64 both = bpf_get_current_pid_tgid();
    head->record = record;
    head->pid = both >> 32;
    head->tid = (__u32)both;
    head->reserved = 0;
    head->at_ns = bpf_ktime_get_ns();
    head->start_ns = BPF_CORE_READ(task, group_leader, start_boottime);
    head->cgroup = scope;
    bpf_get_current_comm(head->command, sizeof head->command);
}

// Where the running thread is in user space. False on architectures whose recipes we do not have.
static __always_inline int user_registers(struct bpf_perf_event_data* ctx, struct at_unwind_registers* to) {
#if defined(__TARGET_ARCH_x86)
    if ((ctx->regs.cs & 3) == 3) {
        to->ip = ctx->regs.rip;
        to->sp = ctx->regs.rsp;
        to->bp = ctx->regs.rbp;
        return 1;
    }
    // In a system call or an interrupt of it: what was saved on the way in.
    const struct pt_regs___sampler* saved = (void*)bpf_task_pt_regs(bpf_get_current_task_btf());
    to->ip = BPF_CORE_READ(saved, ip);
    to->sp = BPF_CORE_READ(saved, sp);
    to->bp = BPF_CORE_READ(saved, bp);
    return to->ip != 0;
#else
    return 0;
#endif
}

// The native frames behind `at` in the scratch; how many bytes.
static __always_inline __u64 take_native(struct bpf_perf_event_data* ctx, struct scratch* s, __u64 at) {
    struct at_unwind_registers registers = {};
    struct at_walk* walk = user_registers(ctx, &registers)
                               ? walk_by_tables(s->sample.head.pid, s->sample.head.start_ns, &registers)
                               : 0;
    if (walk) {
        __u64 size = (__u64)walk->count * sizeof(__u64);
        if (size > AT_MAX_NATIVE_FRAMES * sizeof(__u64)) size = AT_MAX_NATIVE_FRAMES * sizeof(__u64);
        s->sample.native_result = walk->result;
        return bpf_probe_read_kernel(s->frames + at, size, walk->frames) ? 0 : size;
    }
    s->sample.native_result = AT_NATIVE_POINTERS;
    const long got = bpf_get_stack(ctx, s->frames + at, AT_MAX_POINTER_FRAMES * sizeof(__u64), BPF_F_USER_STACK);
    return got > 0 ? got : 0;
}

SEC("perf_event")
int on_tick(struct bpf_perf_event_data* ctx) {
    const __u64 scope = scope_of_current();
    if (!scope) return 0;
    struct task_struct___sampler* task = (void*)bpf_get_current_task();
    if (!BPF_CORE_READ(task, mm)) return 0;  // a kernel thread has no user stack

    __u32 zero = 0;
    struct scratch* s = bpf_map_lookup_elem(&scratches, &zero);
    if (!s) return 0;
    fill_head(&s->sample.head, AT_RECORD_SAMPLE, scope, task);

    s->python_count = 0;
    s->sample.python_result = AT_PYTHON_NONE;
    const __u32 pid = s->sample.head.pid;
    const struct at_python_process* process = bpf_map_lookup_elem(&python_processes, &pid);
    if (process && process->start_ns == s->sample.head.start_ns) {
        __u64 self = 0;  // pthread_self() of glibc and musl is the thread's base address, on x86-64
        if (bpf_core_field_exists(task->thread.fsbase)) self = BPF_CORE_READ(task, thread.fsbase);
        s->sample.python_result =
            at_python_walk(process, self, (struct at_python_frame*)s->frames, &s->python_count);
    }
    __u32 python = s->python_count;
    if (python > AT_MAX_PYTHON_FRAMES) python = AT_MAX_PYTHON_FRAMES;
    const __u64 python_bytes = python * sizeof(struct at_python_frame);
    __u64 size = take_native(ctx, s, python_bytes);
    if (size > AT_MAX_NATIVE_FRAMES * sizeof(__u64)) size = AT_MAX_NATIVE_FRAMES * sizeof(__u64);
    s->sample.python_frames = python;
    s->sample.native_frames = size / sizeof(__u64);

    count(AT_COUNT_ATTEMPTED);
    if (!python && !size) count(AT_COUNT_UNREADABLE);
    size += sizeof(struct at_sample) + python_bytes;
    if (size > sizeof s->sample + sizeof s->frames) return 0;
    if (bpf_ringbuf_output(&samples, &s->sample, size, BPF_RB_NO_WAKEUP)) count(AT_COUNT_RING_FULL);
    return 0;
}

// Only with maps of our own.
SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct___sampler* parent, struct task_struct___sampler* child) {
    __u32 pid = child->tgid;
    __u64 tree = at_tree_of(parent->tgid);
    if (!tree || pid == (__u32)parent->tgid) return 0;
    if (bpf_map_update_elem(&tracked_processes, &pid, &tree, BPF_ANY)) count(AT_COUNT_STATE_FULL);
    return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct___sampler* task) {
    if (task->signal->live.counter) return 0;
    __u32 pid = task->tgid;
    bpf_map_delete_elem(&tracked_processes, &pid);
    return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct___sampler* task, int old_pid,
             struct linux_binprm___sampler* program) {
    const __u64 scope = scope_of_current();
    if (!scope) return 0;
    const __u32 pid = bpf_get_current_pid_tgid() >> 32;
    bpf_map_delete_elem(&python_processes, &pid);
    bpf_map_delete_elem(&unwind_processes, &pid);
    count(AT_COUNT_ATTEMPTED);
    struct at_exec* e = bpf_ringbuf_reserve(&samples, sizeof *e, 0);
    if (!e) {
        count(AT_COUNT_RING_FULL);
        return 0;
    }
    fill_head(&e->head, AT_RECORD_EXEC, scope, task);
    e->text_start = BPF_CORE_READ(task, mm, start_code);
    e->text_end = BPF_CORE_READ(task, mm, end_code);
    e->inode = BPF_CORE_READ(program, file, f_inode, i_ino);
    const char* path = BPF_CORE_READ(program, interp);
    if (bpf_probe_read_kernel_str(e->path, sizeof e->path, path) < 0) e->path[0] = 0;
    bpf_ringbuf_submit(e, BPF_RB_FORCE_WAKEUP);
    return 0;
}
