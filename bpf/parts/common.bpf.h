/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Settings, the ring, the counts, and what every thread and record begins with. */
#ifndef AUTOTUNE_BPF_PARTS_COMMON_BPF_H
#define AUTOTUNE_BPF_PARTS_COMMON_BPF_H

#define AT_INLINE static __always_inline
/* Verified once and on its own, whoever calls it. */
#define AT_APART __attribute__((noinline))
#define AT_MAX_CPUS 1024
#define AT_WAKE_EVERY 4096 /* records of a CPU */

/* Set by the agent before loading. */
const volatile __s32 at_own_tgid = 0;
const volatile __u32 at_page_size = 4096;
const volatile __u32 at_cpus = 1;
const volatile __u64 at_tick_ns = 10000000; /* between two ticks of the kernel; the longest there is: HZ=100 */
const volatile __u8 at_has_casts = 0; /* the kernel knows bpf_rdonly_cast (6.2) */
const volatile __u8 at_calls[AT_SYSCALL_NUMBERS] = {}; /* number → enum at_call */
const volatile __u8 at_wait_kinds[AT_SYSCALL_NUMBERS] = {}; /* number → enum at_wait_kind */

/* Changed by the agent while we run. */
volatile __u32 at_io_wanted = AT_IO_FILES | AT_IO_SOCKETS;
volatile __u32 at_io_shed = 0; /* of these, what is given up for now */
volatile __u32 at_waits_wanted = 0; /* each single one */
volatile __u32 at_waits_shed = 0;
volatile __u32 at_every_call = AT_CALLS_NONE;
/* How often the programs at system calls were attached: what a thread was in before is not known. */
volatile __u32 at_calls_since = 1;
volatile __u32 at_discover = 1;   /* nothing was asked for: find executors by what they say */
volatile __u32 at_watching = 0;   /* somebody is watched, or was: until then bystanders are not looked at */
volatile __u32 at_by_process = 0; /* trees of processes were asked for */
volatile __u32 at_generation = 1; /* of the wish; older verdicts are void */

extern void* bpf_rdonly_cast(const void* object, __u32 type) __ksym __attribute__((weak));
/* As old as that one. A reference, to be released; null: there is none of that id any more. */
extern struct task_struct* bpf_task_from_pid(__s32 tid) __ksym __attribute__((weak));
extern void bpf_task_release(struct task_struct* task) __ksym __attribute__((weak));

/* A field of a kernel object that we have no more than the address of; 0 when it cannot be read. Where the kernel
 * can take our word for what is there it is one load, else a call: seven times as dear. */
#define AT_READ(type, pointer, field)                                                               \
    ({                                                                                              \
        typeof(((type*)0)->field) at_value;                                                         \
        if (at_has_casts)                                                                           \
            at_value = ((type*)bpf_rdonly_cast(pointer, bpf_core_type_id_kernel(type)))->field;     \
        else                                                                                        \
            at_value = BPF_CORE_READ((type*)(pointer), field);                                      \
        at_value;                                                                                   \
    })

/*
 * A kernel object whose pointers are followed. The verifier (Linux 6.3 on) looks a name up among all types of the
 * kernel, one after the other, for each pointer that a path of ours reads from an object it trusts: most of the time of
 * loading. Of a cast one it asks nothing.
 */
#define AT_FOLLOW(pointer)                                                                                     \
    ({                                                                                                         \
        typeof(pointer) at_followed = (pointer);                                                               \
        if (at_has_casts) at_followed = bpf_rdonly_cast(at_followed, bpf_core_type_id_kernel(typeof(*at_followed))); \
        at_followed;                                                                                           \
    })

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 8 << 20);
} events SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct at_counts);
} counts SEC(".maps");

/* A time, and what the scope had used by then. */
struct at_instant {
    __u64 at_ns;
    struct at_usage usage;
};

/* A call of the TLS library that has not returned (tls.bpf.h). */
struct at_tls_frame {
    __u64 tls;        /* its SSL object */
    __u64 buffer;     /* plain text; 0: none in memory */
    __u64 count;      /* where the library writes how much it was; 0: it returns it */
    __u64 entered_ns;
    __u64 stack;      /* stack pointer at the entry */
    __u64 sk;         /* the socket it has used; 0: none yet */
    __s32 fd;
    __u32 call;       /* enum at_tls_call */
};

/* What we know of a thread that is watched. */
struct at_thread {
    /* Its scope, as found when it was in this cgroup and this was the wish. */
    __u64 scope;
    __u64 cgroup;
    __u32 generation;
    __u32 has_waited; /* `waits` has a wait that nobody has taken */
    struct at_ledger ledger;
    __u32 settling; /* somebody does (settle.bpf.h) */
    __u32 reserved;
    __u64 first_minor_faults;
    __u64 first_major_faults;
    /* Any system call it is in, when each is asked for. */
    __u64 every_ns; /* 0: none */
    __u32 every_number;
    __u32 calls_since; /* at_calls_since when it last began a call (socket_ends.bpf.h) */
    /* the system call it is in */
    __u64 enter_ns;
    __u64 waited_ns; /* for its descriptor to become ready */
    __u64 args[6];
    struct sock* sk;
    __u32 call;       /* enum at_call */
    __u64 first_sent; /* of a send: its first eight bytes; 0: not read */
    __u32 file;       /* enum at_file */
    __u32 is_control; /* Runtime API traffic */
    /* Of a move: where it reads from. */
    __u32 from_file;
    __u64 from_fd;
    struct sock* from_sk;
    /* What the call sends was not in memory at its entry, then: it is heard at the exit. at_ns 0: it was. */
    struct at_instant unread;
    /* the calls of the TLS library it is in, the innermost last */
    struct at_tls_frame tls[AT_TLS_DEPTH];
    __u32 tls_depth;
    __u32 has_told; /* the request that its call sends was told as it began */
};

struct {
    __uint(type, BPF_MAP_TYPE_TASK_STORAGE);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, int);
    __type(value, struct at_thread);
} threads SEC(".maps");

#define AT_X86_TS_COMPAT 2 /* a 32-bit call: its numbers mean other calls */

AT_INLINE int at_is_foreign_abi(struct task_struct* task) {
#if defined(__TARGET_ARCH_x86)
    return (task->thread_info.status & AT_X86_TS_COMPAT) != 0;
#else
    return 0;
#endif
}

#define AT_SLOT_CACHE 4096

/*
 * Where the calls of a process are counted (every_call.bpf.h), direct-mapped by tgid:
 * tgid << 32 | generation (20 bits) << 12 | slot. Slot 0: they are not.
 */
__u64 at_slot_cache[AT_SLOT_CACHE];

AT_INLINE __u64 at_slot_tag(__u32 tgid) { return (__u64)tgid << 32 | (at_generation & 0xfffff) << 12; }

/* Something has changed about the process. */
AT_INLINE void at_forget_slot(__u32 tgid) { at_slot_cache[tgid & (AT_SLOT_CACHE - 1)] = 0; }

AT_INLINE struct at_counts* at_count(void) {
    __u32 zero = 0;
    return bpf_map_lookup_elem(&counts, &zero);
}

AT_INLINE void at_count_state_full(void) {
    struct at_counts* c = at_count();
    if (c) ++c->state_full;
}

AT_INLINE void at_count_read_failed(void) {
    struct at_counts* c = at_count();
    if (c) ++c->read_failed;
}

/* The running one's; null when it is not known. */
AT_INLINE struct at_thread* at_this_thread(void) {
    return bpf_task_storage_get(&threads, bpf_get_current_task_btf(), 0, 0);
}

AT_INLINE void at_count_shed(void) {
    struct at_counts* c = at_count();
    if (c) ++c->shed;
}

/*
 * The same three for programs that can be preempted, by another program on the same CPU: those of uprobes. That one
 * runs to its end before we go on, so that each change need only be one instruction.
 */
AT_INLINE void at_count_state_full_preemptible(void) {
    struct at_counts* c = at_count();
    if (c) __sync_fetch_and_add(&c->state_full, 1);
}
AT_INLINE void at_count_read_failed_preemptible(void) {
    struct at_counts* c = at_count();
    if (c) __sync_fetch_and_add(&c->read_failed, 1);
}
AT_INLINE void* at_reserve_preemptible(__u32 kind, __u64 size) {
    struct at_counts* c = at_count();
    if (c && kind < AT_KINDS) __sync_fetch_and_add(&c->attempted[kind], 1);
    void* record = bpf_ringbuf_reserve(&events, size, 0);
    if (!record && c && kind < AT_KINDS) __sync_fetch_and_add(&c->ring_full[kind], 1);
    return record;
}

/* Room for one record of `kind`; every attempt and every refusal is counted. */
AT_INLINE void* at_reserve(__u32 kind, __u64 size) {
    struct at_counts* c = at_count();
    if (c && kind < AT_KINDS) ++c->attempted[kind];
    void* record = bpf_ringbuf_reserve(&events, size, 0);
    if (!record && c && kind < AT_KINDS) ++c->ring_full[kind];
    return record;
}

AT_INLINE void at_fill_header_at(struct at_header* h, __u32 kind, __u32 size, struct task_struct* task,
                                 __u64 scope, __u64 now) {
    h->at_ns = now;
    h->start_ns = task->group_leader->start_boottime;
    h->cgroup = scope;
    h->tgid = task->tgid;
    h->tid = task->pid;
    h->kind = kind;
    h->size = size;
}

AT_INLINE void at_fill_header(struct at_header* h, __u32 kind, __u32 size, struct task_struct* task,
                              __u64 scope) {
    at_fill_header_at(h, kind, size, task, scope, bpf_ktime_get_ns());
}

/* The agent looks now and then; only what must be acted on wakes it, or very much of what need not be. */
AT_INLINE void at_submit(void* record) {
    struct at_counts* c = at_count();
    __u64 flags = BPF_RB_NO_WAKEUP;
    if (c && !(++c->submitted & (AT_WAKE_EVERY - 1))) flags = BPF_RB_FORCE_WAKEUP;
    bpf_ringbuf_submit(record, flags);
}
AT_INLINE void at_submit_urgent(void* record) { bpf_ringbuf_submit(record, BPF_RB_FORCE_WAKEUP); }

#endif
