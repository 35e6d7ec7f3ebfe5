/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Black box: who is taken for want of memory, who is killed, and when all of it is over. */
#ifndef AUTOTUNE_BPF_PARTS_BLACK_BOX_DEATH_BPF_H
#define AUTOTUNE_BPF_PARTS_BLACK_BOX_DEATH_BPF_H

/* Victims of the kernel's OOM killer → the thread that wanted the page. */
struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 1024);
    __type(key, __u32);
    __type(value, __u32);
} box_victims SEC(".maps");

/* The argument is the victim's pid up to 6.9, its task from then on. */
SEC("raw_tp/mark_victim")
int at_box_victim(struct bpf_raw_tracepoint_args* ctx) {
    const __u64 argument = ctx->args[0];
    const int is_pid = argument <= 0xffffffffull;
    __u32 pid = is_pid ? (__u32)argument : BPF_CORE_READ((struct task_struct*)argument, tgid);
    const __u64 both = bpf_get_current_pid_tgid();
    __u32 wanted_by = both >> 32 == pid ? (__u32)both : 0;
    bpf_map_update_elem(&box_victims, &pid, &wanted_by, BPF_ANY);
    return 0;
}

/* Signals that end a process because of what it did. */
AT_INLINE int at_box_is_crash(int signal) {
    return signal >= 3 && signal <= 31 && (1u << signal & (1u << 4 | 1u << 5 | 1u << 6 | 1u << 7 | 1u << 8 | 1u << 11 | 1u << 31));
}

AT_INLINE void at_box_read_resident(struct task_struct* task, struct at_box_dying* to) {
    const void* mm = BPF_CORE_READ(task, mm);
    if (bpf_core_type_exists(struct mm_rss_stat)) {
        const struct mm_struct___to_6_1* old = mm;
        to->files = BPF_CORE_READ(old, rss_stat.count[0].counter) * at_page_size;
        to->anonymous = BPF_CORE_READ(old, rss_stat.count[1].counter) * at_page_size;
        to->swap = BPF_CORE_READ(old, rss_stat.count[2].counter) * at_page_size;
        to->shared = BPF_CORE_READ(old, rss_stat.count[3].counter) * at_page_size;
    } else {
        const struct mm_struct___from_6_2* now = mm;
        to->files = BPF_CORE_READ(now, rss_stat[0].count) * at_page_size;
        to->anonymous = BPF_CORE_READ(now, rss_stat[1].count) * at_page_size;
        to->swap = BPF_CORE_READ(now, rss_stat[2].count) * at_page_size;
        to->shared = BPF_CORE_READ(now, rss_stat[3].count) * at_page_size;
    }
}

AT_INLINE void at_box_tell_dying(struct task_struct* task, struct at_box_scratch* scratch, __u32 signal) {
    struct at_box_dying* dying = &scratch->dying;
    __u32 pid = task->tgid;
    at_box_fill_head(&dying->head, AT_BOX_DYING, task);
    dying->signal = signal;
    const __u32* wanted_by = bpf_map_lookup_elem(&box_victims, &pid);
    dying->out_of_memory = wanted_by != 0;
    dying->wanted_by = wanted_by ? *wanted_by : 0;
    dying->threads = task->signal->nr_threads;
    struct at_usage usage = {};
    at_read_memory(task, &usage);
    dying->memory_now = usage.memory_now;
    dying->memory_limit = usage.memory_limit;
    at_box_read_resident(task, dying);
    dying->descriptors = BPF_CORE_READ(task, files, fdt, max_fds);
    dying->calls_made = 0;
    dying->calls_shed = at_box_calls_shed;
    dying->reserved = 0;
    const struct at_box_process* process = bpf_map_lookup_elem(&box_processes, &pid);
    if (process) {
        dying->calls_made = process->next;
        bpf_probe_read_kernel(dying->calls, sizeof dying->calls, process->calls);
    }
    at_box_tell(dying, sizeof *dying);
}

/*
 * Every thread of a process that is killed comes by here before it lets go of anything: the one that a signal ends,
 * and those that must go with it. (Also those that leave because another one has called exit or exec; they are not
 * killed.) The lock of the process's signals is held, so they come one after the other.
 */
SEC("tp_btf/signal_deliver")
int BPF_PROG(at_box_dies, int signal, struct kernel_siginfo* info, struct k_sigaction* action) {
    struct task_struct* task = bpf_get_current_task_btf();
    __u32 why = signal;
    if (signal == AT_SIGKILL) {
        why = task->signal->group_exit_code & 0x7f;
        if (!why) return 0;
    } else if (!at_box_is_crash(signal) || action->sa.sa_handler) {
        return 0;
    }
    __u32 pid = task->tgid;
    if (!bpf_map_lookup_elem(&box_processes, &pid) && !at_box_scope(task)) return 0;
    struct at_box_scratch* scratch = at_box_scratch();
    if (!scratch) return 0;
    const __u64 start_ns = task->group_leader->start_boottime;
    const __u64* known = bpf_map_lookup_elem(&box_dying, &pid);
    if (!known || *known != start_ns) {
        bpf_map_update_elem(&box_dying, &pid, &start_ns, BPF_ANY);
        at_box_tell_dying(task, scratch, why);
        at_box_tell_files(task, scratch);
    }
    at_box_tell_thread(task, scratch);
    return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(at_box_exit, struct task_struct* task) {
    if (task->signal->live.counter) return 0;
    __u32 pid = task->tgid;
    if (at_own_scope) bpf_map_delete_elem(&tracked_processes, &pid);
    bpf_map_delete_elem(&box_processes, &pid);
    bpf_map_delete_elem(&box_victims, &pid);
    bpf_map_delete_elem(&box_pythons, &pid);
    const __u64* start_ns = bpf_map_lookup_elem(&box_dying, &pid);
    if (!start_ns) return 0;
    at_box_notice(AT_BOX_OVER, task, 0, 0);
    bpf_map_delete_elem(&box_dying, &pid);
    return 0;
}

#endif
