/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Entries and ends of calls. */
#ifndef AUTOTUNE_BPF_PARTS_NATIVE_CALLS_BPF_H
#define AUTOTUNE_BPF_PARTS_NATIVE_CALLS_BPF_H

/* Where return addresses point while a return probe waits for them: the process's uprobes page. */
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct xol_area___native {
    unsigned long vaddr;
};
struct uprobes_state___native {
    struct xol_area___native* xol_area;
};
struct mm_struct___native {
    struct uprobes_state___native uprobes_state;
};
#pragma clang attribute pop

AT_INLINE int at_native_is_tail_call(struct task_struct* task, __u64 sp) {
#if defined(__TARGET_ARCH_x86)
    __u64 address = 0;
    if (bpf_probe_read_user(&address, sizeof address, (const void*)sp)) return 0;
    const struct mm_struct___native* mm = (const void*)task->mm;
    if (!mm) return 0;
    return address == BPF_CORE_READ(mm, uprobes_state.xol_area, vaddr);
#else
    return 0;
#endif
}

AT_INLINE void at_native_sum(const struct at_call_stack* s, const struct at_call_result* call) {
    struct at_call_key key = {.process_start_ns = s->process_start_ns,
                              .tgid = s->tgid,
                              .tid = s->tid,
                              .function = call->function,
                              .caller = call->caller};
    struct at_call_sums* sums = bpf_map_lookup_elem(&native_sums, &key);
    const __u64 total = call->is_recursive ? 0 : call->duration_ns;
    if (sums) { /* only this thread writes it */
        ++sums->calls;
        sums->total_ns += total;
        sums->self_ns += call->self_ns;
        return;
    }
    const struct at_call_sums first = {
        .calls = 1, .total_ns = total, .self_ns = call->self_ns, .cgroup = bpf_get_current_cgroup_id()};
    if (bpf_map_update_elem(&native_sums, &key, &first, BPF_ANY)) AT_NATIVE_COUNT(sums_full);
}

/* The innermost call is over. */
AT_INLINE void at_native_end(struct at_call_stack* s, __u64 now, __u32 how) {
    const struct at_call_frame* top = at_top_call(s);
    if (!top) return;
    const __u32 index = top->function;
    const struct at_native_function* f = bpf_map_lookup_elem(&native_functions, &index);
    struct at_call_result call;
    at_pop_call(s, now, f ? f->bias_ns : 0, f ? f->cost_ns : 0, &call);
    at_native_sum(s, &call);
    if (!at_native_each) return;
    AT_NATIVE_COUNT(records);
    struct at_native_call* record = bpf_ringbuf_reserve(&native_records, sizeof *record, 0);
    if (!record) {
        AT_NATIVE_COUNT(ring_full);
        return;
    }
    at_native_fill(&record->head, s, AT_NATIVE_CALL, call.function, now);
    record->duration_ns = call.duration_ns;
    record->added_ns = call.added_ns;
    record->depth = call.depth;
    record->how = how;
    bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
}

struct at_native_cut {
    __u64 now;
    __u64 below; /* calls entered at a lower stack pointer are over */
};

static long at_native_cut_one(__u32 round, void* argument) {
    const struct at_native_cut* cut = argument;
    struct task_struct* task = bpf_get_current_task_btf();
    struct at_call_stack* s = bpf_task_storage_get(&native_stacks, task, 0, 0);
    if (!s) return 1;
    const struct at_call_frame* top = at_top_call(s);
    if (!top || top->sp >= cut->below) return 1;
    at_native_end(s, cut->now, AT_CALL_CUT);
    return 0;
}

/* Ends the current thread's calls that were entered below `below`, without a return. */
AT_INLINE void at_native_cut_below(__u64 below, __u64 now) {
    struct at_native_cut cut = {.now = now, .below = below};
    bpf_loop(AT_CALL_DEPTH, at_native_cut_one, &cut, 0);
}

/* 0: the call is on the stack, and its end is wanted. */
AT_INLINE int at_native_enter(const struct at_registers* r, __u32 function) {
    struct task_struct* task = bpf_get_current_task_btf();
    struct at_call_stack* s = bpf_task_storage_get(&native_stacks, task, 0, 0);
    if (!s || s->generation != at_native_generation) {
        s = at_native_admit(task, s);
        if (!s) return 1;
    }
    const __u64 sp = r->sp;
    const struct at_call_frame* top = at_top_call(s);
    if (top && top->sp <= sp)
        at_native_cut_below(at_gone_below(sp, at_native_is_tail_call(task, sp)), bpf_ktime_get_ns());
    at_native_tell_all(r, s, function);
    struct at_call_frame* frame = at_push_call(s, function, sp);
    if (!frame) {
        struct at_call_result untimed = {.function = function, .caller = AT_NO_CALLER, .is_recursive = 1};
        top = at_top_call(s);
        if (top) untimed.caller = top->function;
        at_native_sum(s, &untimed);
        AT_NATIVE_COUNT(too_deep);
        return 1;
    }
    frame->entered_ns = bpf_ktime_get_ns();
    return 0;
}

/* The call of `function` that was entered at `sp` has returned. */
AT_INLINE void at_native_leave(__u32 function, __u64 sp, __u64 now) {
    struct at_call_stack* s = bpf_task_storage_get(&native_stacks, bpf_get_current_task_btf(), 0, 0);
    if (!s) return;
    const struct at_call_frame* top = at_top_call(s);
    if (top && top->sp < sp) {
        at_native_cut_below(sp, now);
        top = at_top_call(s);
    }
    if (top && top->sp == sp && top->function == function)
        at_native_end(s, now, AT_CALL_RETURNED);
    else
        AT_NATIVE_COUNT(returns_unknown);
}

extern _Bool bpf_session_is_return(void) __ksym __weak;

/* uprobe.session: one program for both ends. */
SEC("kprobe")
int at_native_session(struct at_registers* r) {
    const __u64 now = bpf_ktime_get_ns();
    const __u32 function = bpf_get_attach_cookie(r);
    if (!bpf_session_is_return()) return at_native_enter(r, function);
    at_native_leave(function, r->sp - AT_RETURN_SLOT, now);
    return 0;
}

SEC("kprobe")
int at_native_entry(struct at_registers* r) {
    at_native_enter(r, bpf_get_attach_cookie(r));
    return 0;
}

/* A return probe. */
SEC("kprobe")
int at_native_return(struct at_registers* r) {
    const __u64 now = bpf_ktime_get_ns();
    at_native_leave(bpf_get_attach_cookie(r), r->sp - AT_RETURN_SLOT, now);
    return 0;
}

/* On an instruction that leaves the function: the stack pointer is again what it was at the entry. */
SEC("kprobe")
int at_native_exit_site(struct at_registers* r) {
    const __u64 now = bpf_ktime_get_ns();
    at_native_leave(bpf_get_attach_cookie(r), r->sp, now);
    return 0;
}

/* On a line: values only. The cookie is the index of a function that has nothing but values. */
SEC("kprobe")
int at_native_line(struct at_registers* r) {
    struct task_struct* task = bpf_get_current_task_btf();
    struct at_call_stack* s = bpf_task_storage_get(&native_stacks, task, 0, 0);
    if (!s || s->generation != at_native_generation) s = at_native_admit(task, s);
    if (s) at_native_tell_all(r, s, bpf_get_attach_cookie(r));
    return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(at_native_exec, struct task_struct* task, int old_pid, struct linux_binprm* program) {
    at_native_cut_below(~0ull, bpf_ktime_get_ns());
    struct at_call_stack* s = bpf_task_storage_get(&native_stacks, bpf_get_current_task_btf(), 0, 0);
    if (!s) return 0;
    s->tid = 0; /* that of the thread group, whichever thread it was that became the program */
    s->generation = 0;
    return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(at_native_exit, struct task_struct* task) {
    at_native_cut_below(~0ull, bpf_ktime_get_ns());
    const __u32 tgid = task->tgid;
    if (task->signal->live.counter == 0) bpf_map_delete_elem(&native_processes, &tgid);
    return 0;
}

/* What is still open when the tracing ends: a record for each call of each thread. */
SEC("iter/task")
int at_native_open_calls(struct bpf_iter__task* ctx) {
    struct task_struct* task = ctx->task;
    if (!task) return 0;
    struct at_call_stack* s = bpf_task_storage_get(&native_stacks, task, 0, 0);
    if (!s) return 0;
    bpf_seq_write(ctx->meta->seq, s, sizeof *s);
    return 0;
}

#endif
