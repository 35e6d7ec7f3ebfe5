// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
// How processes start: marks on the way from fork to the first answer, each with what the process had read, opened and
// faulted in by then. Records: bpf/cold_wire.h. x86-64.
// clang-format off
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "bpf/kernel_types.h"
#include "bpf/cold_wire.h"
// clang-format on

#define AT_INLINE static __always_inline
#define AT_PROT_EXEC 4
#define AT_MAP_ANONYMOUS 0x20

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* System calls by number, set by the agent. */
const volatile __u32 at_number_read = 0, at_number_pread = 17, at_number_readv = 19, at_number_open = 2,
                     at_number_openat = 257, at_number_mmap = 9, at_number_execve = 59, at_number_execveat = 322,
                     at_number_write = 1, at_number_sendto = 44, at_number_recvfrom = 45, at_number_writev = 20,
                     at_number_sendmsg = 46, at_number_recvmsg = 47;
const volatile __u32 at_page_size = 4096;

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 8 << 20);
} cold_marks SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, __u64);
} cold_lost SEC(".maps");

/* Thread group → what it has done; those that are watched, filled by the agent and by at_cold_fork. */
struct at_cold_process {
    __u64 opens, read_bytes, mapped_bytes;
    __u64 awaiting; /* it has asked for work */
};
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __uint(max_entries, 16384);
    __type(key, __u32);
    __type(value, struct at_cold_process);
} cold_processes SEC(".maps");

AT_INLINE struct at_cold_process* at_cold_of(const struct task_struct* task) {
    __u32 pid = task->tgid;
    return bpf_map_lookup_elem(&cold_processes, &pid);
}

AT_INLINE __u64 at_cold_resident(struct task_struct* task) {
    const void* mm = BPF_CORE_READ(task, mm);
    __s64 pages = 0;
    if (!mm) return 0;
    if (bpf_core_type_exists(struct mm_rss_stat)) {
        const struct mm_struct___to_6_1* old = mm;
        pages = BPF_CORE_READ(old, rss_stat.count[0].counter) + BPF_CORE_READ(old, rss_stat.count[1].counter) +
                BPF_CORE_READ(old, rss_stat.count[3].counter);
    } else {
        const struct mm_struct___from_6_2* now = mm;
        pages = BPF_CORE_READ(now, rss_stat[0].count) + BPF_CORE_READ(now, rss_stat[1].count) +
                BPF_CORE_READ(now, rss_stat[3].count);
    }
    return pages > 0 ? pages * at_page_size : 0;
}

/* Of all its threads, those that have ended too: what one does for another counts for the process. */
static __attribute__((noinline)) int at_cold_add_threads(struct at_cold_sums* sums, struct task_struct* task) {
    const struct signal_struct* signal = task->signal;
    __u64 minor = BPF_CORE_READ(signal, min_flt), major = BPF_CORE_READ(signal, maj_flt),
          cpu = BPF_CORE_READ(signal, sum_sched_runtime);
    const __u64 head = (__u64)&task->signal->thread_head;
    __u64 node = 0;
    bpf_core_read(&node, sizeof node, &((struct list_head*)head)->next);
    for (int i = 0; i < AT_COLD_THREADS; ++i) {
        if (!node || node == head) break;
        const struct task_struct* thread = (void*)(node - bpf_core_field_offset(struct task_struct, thread_node));
        minor += BPF_CORE_READ(thread, min_flt);
        major += BPF_CORE_READ(thread, maj_flt);
        cpu += BPF_CORE_READ(thread, se.sum_exec_runtime);
        bpf_core_read(&node, sizeof node, &((struct list_head*)node)->next);
    }
    sums->minor_faults = minor;
    sums->major_faults = major;
    sums->cpu_ns = cpu;
    return 0;
}

/* Null when there is no room; with all but the text. Nobody is woken but for a new program: that would cost more than all
 * else of a mark. */
AT_INLINE struct at_cold_mark* at_cold_mark(__u32 kind, struct task_struct* task, const struct at_cold_process* process) {
    struct at_cold_mark* mark = bpf_ringbuf_reserve(&cold_marks, sizeof *mark, 0);
    if (!mark) {
        __u32 zero = 0;
        __u64* lost = bpf_map_lookup_elem(&cold_lost, &zero);
        if (lost) __sync_fetch_and_add(lost, 1);
        return 0;
    }
    mark->at_ns = bpf_ktime_get_ns();
    mark->kind = kind;
    mark->pid = task->tgid;
    mark->tid = task->pid;
    mark->parent = task->real_parent->tgid;
    mark->sums.opens = process->opens;
    mark->sums.read_bytes = process->read_bytes;
    mark->sums.mapped_bytes = process->mapped_bytes;
    mark->sums.resident = at_cold_resident(task);
    at_cold_add_threads(&mark->sums, task);
    mark->text[0] = 0;
    return mark;
}

AT_INLINE void at_cold_tell(__u32 kind, struct task_struct* task, const struct at_cold_process* process) {
    struct at_cold_mark* mark = at_cold_mark(kind, task, process);
    if (mark) bpf_ringbuf_submit(mark, BPF_RB_NO_WAKEUP);
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(at_cold_fork, struct task_struct* parent, struct task_struct* child) {
    if (child->tgid == parent->tgid || !at_cold_of(parent)) return 0;
    struct at_cold_process fresh = {};
    __u32 pid = child->tgid;
    bpf_map_update_elem(&cold_processes, &pid, &fresh, BPF_ANY);
    at_cold_tell(AT_COLD_FORK, child, &fresh);
    return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(at_cold_exec, struct task_struct* task, int old_pid, struct linux_binprm* program) {
    const struct at_cold_process* process = at_cold_of(task);
    if (!process) return 0;
    struct at_cold_mark* mark = at_cold_mark(AT_COLD_PROGRAM, task, process);
    if (!mark) return 0;
    bpf_probe_read_kernel_str(mark->text, sizeof mark->text, program->filename);
    bpf_ringbuf_submit(mark, BPF_RB_FORCE_WAKEUP);
    return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(at_cold_exit, struct task_struct* task) {
    if (task->signal->live.counter) return 0;
    const struct at_cold_process* process = at_cold_of(task);
    if (!process) return 0;
    at_cold_tell(AT_COLD_EXIT, task, process);
    __u32 pid = task->tgid;
    bpf_map_delete_elem(&cold_processes, &pid);
    return 0;
}

AT_INLINE const void* at_cold_first_bytes(__u64 number, const struct pt_regs* regs) {
    if (number == at_number_write || number == at_number_sendto) return (const void*)AT_ARG1(regs);
    const void* vector = 0;
    if (number == at_number_writev) vector = (const void*)AT_ARG1(regs);
    /* struct msghdr: the vector behind the name and its length. */
    if (number == at_number_sendmsg) bpf_probe_read_user(&vector, sizeof vector, (const void*)(AT_ARG1(regs) + 16));
    const void* first = 0;
    if (vector) bpf_probe_read_user(&first, sizeof first, vector);
    return first;
}

static const char at_asks[] = "GET /2018-06-01/runtime/invocation/next";
static const char at_answers[] = "POST /2018-06-01/runtime/invocation/";

/* What executors say to the Lambda Runtime API. */
AT_INLINE void at_cold_listen(struct task_struct* task, struct at_cold_process* process, const void* said) {
    char text[40] = {};
    if (!said || bpf_probe_read_user(text, sizeof text - 1, said)) return;
    if (!bpf_strncmp(text, sizeof at_asks - 1, at_asks)) {
        at_cold_tell(AT_COLD_READY, task, process);
        process->awaiting = 1;
    } else if (!bpf_strncmp(text, sizeof at_answers - 1, at_answers)) {
        at_cold_tell(AT_COLD_ANSWER, task, process);
    }
}

SEC("tp_btf/sys_enter")
int BPF_PROG(at_cold_call, struct pt_regs* regs, long called) {
    struct task_struct* task = bpf_get_current_task_btf();
    struct at_cold_process* process = at_cold_of(task);
    if (!process) return 0;
    const __u64 number = called;
    if (number == at_number_execve || number == at_number_execveat)
        at_cold_tell(AT_COLD_EXEC_BEGINS, task, process);
    else if (number == at_number_write || number == at_number_sendto || number == at_number_writev ||
             number == at_number_sendmsg)
        at_cold_listen(task, process, at_cold_first_bytes(number, regs));
    return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(at_cold_called, struct pt_regs* regs, long result) {
    struct task_struct* task = bpf_get_current_task_btf();
    struct at_cold_process* process = at_cold_of(task);
    if (!process) return 0;
    const __u64 number = AT_NUMBER(regs);
    if (number == at_number_execve || number == at_number_execveat) {
        if (!result) at_cold_tell(AT_COLD_EXEC_ENDS, task, process);
        return 0;
    }
    if (result <= 0 && !(number == at_number_openat && result == 0)) return 0;
    const int receives = number == at_number_recvfrom || number == at_number_recvmsg;
    if (number == at_number_read || number == at_number_pread || number == at_number_readv || receives) {
        if (!receives) __sync_fetch_and_add(&process->read_bytes, result);
        if (process->awaiting && number != at_number_pread) {
            process->awaiting = 0;
            at_cold_tell(AT_COLD_WORK, task, process);
        }
    } else if (number == at_number_open || number == at_number_openat) {
        __sync_fetch_and_add(&process->opens, 1);
    } else if (number == at_number_mmap && !(AT_ARG3(regs) & AT_MAP_ANONYMOUS)) {
        __sync_fetch_and_add(&process->mapped_bytes, AT_ARG1(regs));
    }
    return 0;
}

AT_INLINE __u64 at_cold_read_register(const struct pt_regs* regs, __u32 which) {
    switch (which) {
        case AT_COLD_RAX: return BPF_CORE_READ(regs, ax);
        case AT_COLD_RBX: return BPF_CORE_READ(regs, bx);
        case AT_COLD_RCX: return BPF_CORE_READ(regs, cx);
        case AT_COLD_RDX: return BPF_CORE_READ(regs, dx);
        case AT_COLD_RSI: return BPF_CORE_READ(regs, si);
        case AT_COLD_RDI: return BPF_CORE_READ(regs, di);
        case AT_COLD_RBP: return BPF_CORE_READ(regs, bp);
        case AT_COLD_R8: return BPF_CORE_READ(regs, r8);
        case AT_COLD_R9: return BPF_CORE_READ(regs, r9);
        case AT_COLD_R10: return BPF_CORE_READ(regs, r10);
        case AT_COLD_R11: return BPF_CORE_READ(regs, r11);
        case AT_COLD_R12: return BPF_CORE_READ(regs, r12);
        case AT_COLD_R13: return BPF_CORE_READ(regs, r13);
        case AT_COLD_R14: return BPF_CORE_READ(regs, r14);
        case AT_COLD_R15: return BPF_CORE_READ(regs, r15);
        default: return 0;
    }
}

AT_INLINE int at_cold_probe(__u32 kind) {
    struct task_struct* task = bpf_get_current_task_btf();
    const struct at_cold_process* process = at_cold_of(task);
    if (process) at_cold_tell(kind, task, process);
    return 0;
}

SEC("uprobe")
int at_cold_entry(void* ctx) { return at_cold_probe(AT_COLD_ENTRY); }

SEC("uprobe")
int at_cold_run_main(void* ctx) { return at_cold_probe(AT_COLD_RUN_MAIN); }

SEC("uprobe")
int at_cold_import_ends(void* ctx) { return at_cold_probe(AT_COLD_IMPORT_ENDS); }

SEC("uprobe")
int at_cold_body_ends(void* ctx) { return at_cold_probe(AT_COLD_BODY_ENDS); }

SEC("uprobe")
int at_cold_import_begins(void* ctx) {
    struct task_struct* task = bpf_get_current_task_btf();
    const struct at_cold_process* process = at_cold_of(task);
    if (!process) return 0;
    const __u64 cookie = bpf_get_attach_cookie(ctx);
    struct at_cold_mark* mark = at_cold_mark(AT_COLD_IMPORT_BEGINS, task, process);
    if (!mark) return 0;
    const __u64 name = at_cold_read_register(ctx, cookie & 0xff);
    bpf_probe_read_user_str(mark->text, sizeof mark->text, (const void*)name);
    bpf_ringbuf_submit(mark, BPF_RB_NO_WAKEUP);
    return 0;
}

/* The first argument is a code object; its file's name is a string object. */
SEC("uprobe")
int at_cold_body_begins(void* ctx) {
    struct task_struct* task = bpf_get_current_task_btf();
    const struct at_cold_process* process = at_cold_of(task);
    if (!process) return 0;
    const __u64 cookie = bpf_get_attach_cookie(ctx);
    struct at_cold_mark* mark = at_cold_mark(AT_COLD_BODY_BEGINS, task, process);
    if (!mark) return 0;
    __u64 file = 0;
    const __u64 code = at_cold_read_register(ctx, cookie & 0xff);
    bpf_probe_read_user(&file, sizeof file, (const void*)(code + (cookie >> 8 & 0xffff)));
    if (file) bpf_probe_read_user_str(mark->text, sizeof mark->text, (const void*)(file + (cookie >> 24 & 0xffff)));
    bpf_ringbuf_submit(mark, BPF_RB_NO_WAKEUP);
    return 0;
}
