// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
// Takes the user stack, and CPython's frames, of a traced thread when this CPU's clock ticks (on_tick), when it
// leaves the CPU (parts/sample_clock.bpf.h), or when it is given memory (parts/sample_memory.bpf.h); user space
// attaches what is wanted. Also says when a traced process becomes another program, at once: agent/symbols then
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

char LICENSE[] SEC("license") = "Dual BSD/GPL";

// The fields needed of kernel types, found by CO-RE; the suffix keeps them apart from other headers'.
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct mm_struct___sampler {
    unsigned long brk;
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
struct sched_entity___sampler {
    __u64 sum_exec_runtime;
};
struct kernfs_node___sampler {
    __u64 id;
};
struct cgroup___sampler;
struct cgroup_subsys_state___sampler {
    struct cgroup___sampler* cgroup;
    struct cgroup_subsys_state___sampler* parent;
};
struct cgroup___sampler {
    struct cgroup_subsys_state___sampler self;
    struct kernfs_node___sampler* kn;
};
struct css_set___sampler {
    struct cgroup___sampler* dfl_cgrp;
};
struct thread_info___sampler {
    __u32 status;  // x86
};
struct task_struct___sampler {
    struct thread_info___sampler thread_info;
    int pid;
    int tgid;
    unsigned flags;
    int on_cpu;
    unsigned long nvcsw;
    unsigned long nivcsw;
    struct sched_entity___sampler se;
    struct css_set___sampler* cgroups;
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
    unsigned long r10, bp, ip, sp, si, dx, orig_ax;  // x86
};
struct linux_binprm___sampler {
    const char* interp;  // what really runs: of a script, its interpreter
    struct file___sampler* file;
};
struct seq_file;
struct bpf_iter_meta___sampler {
    struct seq_file* seq;
};
struct bpf_iter__task___sampler {
    struct bpf_iter_meta___sampler* meta;
    struct task_struct___sampler* task;
};
#pragma clang attribute pop

// 1: tracked_cgroups holds the roots of traced subtrees, tracked_processes the traced processes, put there by
// user space and, of processes that are started, by on_fork. 0: they are the BPF source's maps, where everything
// that is traced has its entry already.
const volatile __u32 match_ancestors = 0;

// … and there are roots among them: walking up costs, at every switch of the machine.
__u32 any_cgroups = 0;

// Threads' times are kept: a tick stands for the thread's CPU time since its last one.
const volatile __u32 exact_ticks = 0;

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

static void count(__u32 what) {
    __u64* counter = bpf_map_lookup_elem(&sampler_counts, &what);
    if (counter) ++*counter;
}

// The scope of the running thread (bpf/wire.h), 0 when it is not traced.
static __always_inline __u64 scope_of_current(void) {
    const __u64 cgroup = bpf_get_current_cgroup_id();
    const __u64 scope = at_tracked_scope(bpf_get_current_pid_tgid() >> 32, cgroup);
    if (scope || !match_ancestors || !any_cgroups) return scope;
    for (int level = 0; level < 16; ++level) {
        __u64 ancestor = bpf_get_current_ancestor_cgroup_id(level);
        if (!ancestor) break;
        if (bpf_map_lookup_elem(&tracked_cgroups, &ancestor)) return cgroup;
    }
    return 0;
}

#include "bpf/parts/told.bpf.h"
#include "bpf/parts/met_processes.bpf.h"
#include "bpf/parts/unwind.bpf.h"
#include "bpf/parts/stack_copy.bpf.h"
#include "bpf/parts/sample_stack.bpf.h"
#include "bpf/parts/sample_clock.bpf.h"
#include "bpf/parts/sample_memory.bpf.h"

SEC("perf_event")
int on_tick(struct bpf_perf_event_data* ctx) {
    const __u64 scope = scope_of_current();
    if (!scope) return 0;
    struct task_struct___sampler* task = (void*)bpf_get_current_task_btf();
    if (!task->mm) return 0;  // a kernel thread has no user stack
    __u64 weight = 0;
    if (exact_ticks && !(weight = sampled_time(task, scope))) return 0;
    struct scratch* s = this_scratch();
    if (!s) return 0;
    if (!begin_sample(s, scope, task)) {
        if (exact_ticks) sampled_time_is_owed(task, weight);
        return 0;
    }
    struct at_unwind_registers registers = {};
#if defined(__TARGET_ARCH_x86)
    if ((ctx->regs.cs & 3) == 3) {
        registers.ip = ctx->regs.rip;
        registers.sp = ctx->regs.rsp;
        registers.bp = ctx->regs.rbp;
    } else
#endif
        saved_registers(&registers);  // in a system call or an interrupt of it
    const __u32 of = exact_ticks ? AT_SAMPLE_CPU : AT_SAMPLE_TICK;
    take_stack(ctx, s, task, &registers, of);
    if (!s->is_sampled && !tell_sample(s, of, weight) && exact_ticks) sampled_time_is_owed(task, weight);
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

// Only where threads' times are kept; after on_fork. The child's scope is its parent's.
SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_new_thread, struct task_struct___sampler* parent, struct task_struct___sampler* child) {
    const __u64 scope = child->mm ? scope_of_current() : 0;
    if (scope) make_timed_thread(child, scope, bpf_ktime_get_ns(), 0, AT_STACK_NEW, BPF_ANY);
    return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_thread_exit, struct task_struct___sampler* task) {
    thread_ends(task);
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
    forget_process(pid);
    count(AT_COUNT_ATTEMPTED);
    const __u32 process = process_number(pid, BPF_CORE_READ(task, group_leader, start_boottime), scope);
    struct at_exec* e = process ? bpf_ringbuf_reserve(&samples, sizeof *e, 0) : 0;
    if (!e) {
        count(AT_COUNT_RING_FULL);
        return 0;
    }
    __builtin_memset(&e->head, 0, sizeof e->head);
    e->head.record = AT_RECORD_EXEC;
    e->head.tid = (__u32)bpf_get_current_pid_tgid();
    e->head.process = process;
    e->head.at_ns = bpf_ktime_get_ns();
    e->text_start = BPF_CORE_READ(task, mm, start_code);
    e->text_end = BPF_CORE_READ(task, mm, end_code);
    e->inode = BPF_CORE_READ(program, file, f_inode, i_ino);
    const char* path = BPF_CORE_READ(program, interp);
    if (bpf_probe_read_kernel_str(e->path, sizeof e->path, path) < 0) e->path[0] = 0;
    bpf_ringbuf_submit(e, BPF_RB_FORCE_WAKEUP);
    return 0;
}
