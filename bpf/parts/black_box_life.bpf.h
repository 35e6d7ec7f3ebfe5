/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Black box: what is remembered of a watched process while it lives, and when its memory comes near the limit. */
#ifndef AUTOTUNE_BPF_PARTS_BLACK_BOX_LIFE_BPF_H
#define AUTOTUNE_BPF_PARTS_BLACK_BOX_LIFE_BPF_H

#define AT_PROT_EXEC 4

/* Its state, which it has none of yet or of another process that had its pid. */
AT_INLINE void at_box_begin(struct task_struct* task) {
    __u32 zero = 0, pid = task->tgid;
    struct at_box_process* fresh = bpf_map_lookup_elem(&box_fresh, &zero);
    if (!fresh) return;
    fresh->start_ns = task->group_leader->start_boottime;
    fresh->cgroup = at_box_cgroup(task);
    at_box_places[pid & (AT_BOX_PLACES - 1)] = 1;
    if (bpf_map_update_elem(&box_processes, &pid, fresh, BPF_ANY)) at_box_count(AT_BOX_STATE_FULL);
}

/* Not inlined: the path's walk is long, and this is needed twice. */
static __attribute__((noinline)) int at_box_tell_mapped(__u32 record, __u64 address, __u64 size, __u64 offset, __u64 file_at) {
    struct at_box_scratch* scratch = at_box_scratch();
    const struct file* file = (void*)file_at;
    if (!scratch || !file) return 0;
    struct at_box_mapped* mapped = &scratch->mapped;
    at_box_fill_head(&mapped->head, record, bpf_get_current_task_btf());
    mapped->address = address;
    mapped->size = size;
    mapped->offset = offset;
    mapped->inode = BPF_CORE_READ(file, f_inode, i_ino);
    mapped->path[0] = 0;
    at_box_path(file, mapped->path);
    at_box_tell(mapped, sizeof *mapped);
    return 0;
}

AT_INLINE __u64 at_box_open_file(struct task_struct* task, __u64 fd) {
    struct fdtable* table = BPF_CORE_READ(task, files, fdt);
    if (fd >= BPF_CORE_READ(table, max_fds)) return 0;
    struct file** slots = BPF_CORE_READ(table, fd);
    struct file* file = 0;
    bpf_probe_read_kernel(&file, sizeof file, slots + fd);
    return (__u64)file;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(at_box_fork, struct task_struct* parent, struct task_struct* child) {
    __u32 parent_pid = parent->tgid, pid = child->tgid;
    if (pid == parent_pid) return 0;
    if (at_own_scope) {
        __u64 tree = at_tree_of(parent_pid);
        if (tree && bpf_map_update_elem(&tracked_processes, &pid, &tree, BPF_ANY)) at_box_count(AT_BOX_STATE_FULL);
    }
    if (!bpf_map_lookup_elem(&box_processes, &parent_pid)) return 0;
    at_box_begin(child);
    at_box_notice(AT_BOX_SEEN, child, 0, 0);
    return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(at_box_exec, struct task_struct* task) {
    if (!at_box_scope(task)) return 0;
    __u32 pid = task->tgid;
    bpf_map_delete_elem(&box_pythons, &pid);
    at_box_begin(task);
    const __u64 start = BPF_CORE_READ(task, mm, start_code);
    at_box_tell_mapped(AT_BOX_PROGRAM, start, BPF_CORE_READ(task, mm, end_code) - start, 0,
                       (__u64)BPF_CORE_READ(task, mm, exe_file));
    return 0;
}

/* Only the return is looked at: the arguments are there still, and a call that the kill interrupts returns too. */
SEC("tp_btf/sys_exit")
int BPF_PROG(at_box_call, struct pt_regs* regs, long result) {
    struct task_struct* task = bpf_get_current_task_btf();
    __u32 pid = task->tgid;
    const __u64 number = AT_NUMBER(regs);
    if (number >= AT_SYSCALL_NUMBERS) return 0;
    const __u32 about = at_text_arguments[number];
    const int may_be_mine = at_box_places[pid & (AT_BOX_PLACES - 1)];
    if (at_box_calls_shed || !may_be_mine) {
        /* Left then: who waits for work for the first time, and code that is mapped. */
        if (!((about & AT_BOX_BRINGS_WORK) && !may_be_mine) && !(number == at_mmap_number && may_be_mine)) return 0;
    }
    struct at_box_process* process = bpf_map_lookup_elem(&box_processes, &pid);
    if (!process) {
        /* Of bystanders not every call is worth a look: an executor that was just found waits for work. */
        if (!(about & AT_BOX_BRINGS_WORK) || !at_box_scope(task)) return 0;
        at_box_begin(task);
        at_box_notice(AT_BOX_SEEN, task, 0, 0);
        process = bpf_map_lookup_elem(&box_processes, &pid);
        if (!process) return 0;
    }
    if (at_box_calls_shed) goto mapped;
    const __u32 mine = __sync_fetch_and_add(&process->next, 1);
    struct at_box_call* call = &process->calls[mine & (AT_BOX_CALLS - 1)];
    call->at_ns = bpf_ktime_get_ns();
    call->number = number;
    call->tid = task->pid;
    call->result = result;
    call->arguments[0] = AT_ARG0(regs);
    call->arguments[1] = AT_ARG1(regs);
    call->arguments[2] = AT_ARG2(regs);
    call->arguments[3] = AT_ARG3(regs);
    call->arguments[4] = AT_ARG4(regs);
    call->arguments[5] = AT_ARG5(regs);
    call->text[0] = 0;
    const __u32 which = about & ~AT_BOX_BRINGS_WORK;
    if (which) {
        const __u32 index = (which & (AT_BOX_ADDRESS - 1)) - (which < AT_BOX_ADDRESS);
        const void* at = (const void*)(index == 0 ? AT_ARG0(regs) : index == 1 ? AT_ARG1(regs) : AT_ARG4(regs));
        if (which >= AT_BOX_ADDRESS) {
            /* As much as every family has; a sockaddr_in6 may be the last thing on its page. */
            if (at && bpf_probe_read_user(call->text, 28, at)) bpf_probe_read_user(call->text, 16, at);
        } else if (at) {
            bpf_probe_read_user_str(call->text, sizeof call->text, at);
        }
    }
mapped:
    if (number == at_mmap_number && (AT_ARG2(regs) & AT_PROT_EXEC) && (__s32)AT_ARG4(regs) >= 0 && result > 0)
        at_box_tell_mapped(AT_BOX_CODE_MAPPED, result, AT_ARG1(regs), AT_ARG5(regs), at_box_open_file(task, AT_ARG4(regs)));
    return 0;
}

/*
 * In at_box_call's place while no calls are remembered (Linux 6.3): who receives for the first time is looked at. Its
 * runtime is loaded by then; what code it maps later nobody sees before the agent looks again.
 */
SEC("tp_btf/sock_recv_length")
int BPF_PROG(at_box_received, struct sock* sk, int received, int flags) {
    struct task_struct* task = bpf_get_current_task_btf();
    __u32 pid = task->tgid;
    if (received <= 0) return 0;
    struct at_box_process* process = 0;
    if (at_box_places[pid & (AT_BOX_PLACES - 1)]) process = bpf_map_lookup_elem(&box_processes, &pid);
    if (!process) {
        if (!at_box_scope(task)) return 0;
        at_box_begin(task);
        process = bpf_map_lookup_elem(&box_processes, &pid);
        if (!process) return 0;
    }
    if (process->worked) return 0;
    process->worked = 1;
    at_box_notice(AT_BOX_SEEN, task, 0, 0);
    return 0;
}

AT_INLINE __u32 at_box_step(__u64 now, __u64 limit) {
    const __u64 permille = now * 1000 / limit;
    return permille >= 970 ? 5 : permille >= 930 ? 4 : permille >= 850 ? 3 : permille >= 700 ? 2 : permille >= 500;
}

/* A page fault of many: at steps towards the limit the agent looks at the mappings, which nobody can afterwards. */
SEC("perf_event")
int at_box_fault(void* ctx) {
    struct task_struct* task = bpf_get_current_task_btf();
    __u32 pid = task->tgid;
    struct at_box_process* process = bpf_map_lookup_elem(&box_processes, &pid);
    if (!process) return 0;
    struct at_usage usage = {};
    at_read_memory(task, &usage);
    if (!usage.memory_limit) return 0;
    const __u32 step = at_box_step(usage.memory_now, usage.memory_limit);
    if (step > process->pressure) {
        process->pressure = step;
        at_box_notice(AT_BOX_PRESSURE, task, usage.memory_now, usage.memory_limit);
    } else if (step + 1 < process->pressure) {
        process->pressure = step; /* it went down again, and not by a page or two */
    }
    return 0;
}

#endif
