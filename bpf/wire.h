/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What the kernel side writes and the agent reads: ring-buffer records and the maps they share.
 *
 * C and C++. Fixed sizes, no padding that is not named, host byte order unless said otherwise. Times
 * are CLOCK_MONOTONIC nanoseconds, sizes are bytes. Both sides are always of one build, so there is no
 * version field; a record of an unknown kind or a wrong size is counted as undecodable.
 */
#ifndef AUTOTUNE_BPF_WIRE_H
#define AUTOTUNE_BPF_WIRE_H

#include <linux/types.h>

#define AT_COMM_SIZE 16
#define AT_PATH_SIZE 256
#define AT_HEAD_SIZE 1024
#define AT_NAMES_SIZE 2048
#define AT_HTTP_SIZE 4096
#define AT_ENVIRONMENT_SIZE 4096
#define AT_OPEN_FDS 1024
#define AT_MAX_TRACKED 16384
#define AT_SYSCALL_NUMBERS 512

/*
 * A scope is what is watched and accounted together: a cgroup, by its id (the inode of its cgroup-v2 directory),
 * or a tree of processes, by AT_TREE plus the pid that was asked for. Trees go before cgroups: a process of a
 * tree is of no other scope. It is what records call `cgroup`; beyond every inode number, and still exact
 * where numbers are doubles (JSON).
 */
#define AT_TREE (1ull << 52)

/*
 * Map `tracked_cgroups` (bpf/tracked.bpf.h): BPF_MAP_TYPE_HASH, AT_MAX_TRACKED entries,
 *   key   __u64              scope
 *   value struct at_cgroup
 * A scope is watched while its key is there. The `source` object adds keys (a cgroup below one that was
 * asked for, or one whose task was heard asking for an invocation) and removes them when the cgroup is
 * removed; the agent adds trees and removes what is no longer wanted. Other objects only look.
 *
 * Map `tracked_processes`: BPF_MAP_TYPE_HASH, AT_MAX_TRACKED entries,
 *   key   __u32              pid (thread group)
 *   value __u64              its scope, a tree
 * The agent adds those that were asked for, the `source` object what they start; it removes them as they end.
 */
struct at_cgroup {
    __u32 watched; /* 1 */
    __u32 reserved;
    __u64 cpu_ns;       /* running, slices that have ended */
    __u64 runnable_ns;  /* waited for a CPU, waits that have ended */
    __u64 since_ns;     /* watched from here on */
};

enum at_kind {
    AT_FORK = 1,
    AT_EXEC,
    AT_EXIT,
    AT_OOM,
    AT_IO,
    AT_IO_PATH,
    AT_REQUEST_HEAD,
    AT_ANSWER_PART,
    AT_FD_CHANGE,
    AT_EXISTING,
    AT_MAP,
    AT_THREAD_TIMES,
    AT_OFF_CPU,
    AT_TROUBLE,
    AT_NAMES,
    AT_NOT_DECODED,
    AT_SYSCALL,
    AT_HTTP,
    AT_TLS,
    AT_KINDS, /* not a kind */
};

struct at_header {
    __u64 at_ns;
    __u64 start_ns; /* CLOCK_BOOTTIME at which the process was forked */
    __u64 cgroup; /* scope, see above */
    __s32 tgid;
    __s32 tid;
    __u32 kind; /* enum at_kind */
    __u32 size; /* of the whole record */
};

/* A reading of struct CgroupUsage (core/event.hpp). */
struct at_usage {
    __u64 cpu_ns;
    __u64 runnable_ns;
    __u64 memory_now;
    __u64 memory_peak;
    __u64 memory_limit; /* 0: none */
};

struct at_endpoint {
    __u8 address[16]; /* network order; IPv4 in the first four */
    __u16 port;       /* host order */
    __u16 family;     /* AF_*; 0: not known */
};

struct at_fork_record { /* header: the child */
    struct at_header header;
    __s32 parent;
    __s32 parent_tid;
    char comm[AT_COMM_SIZE];
};

struct at_exec_record {
    struct at_header header;
    __s32 parent;
    __u32 environment_size; /* what of `environment` is filled */
    __u64 environment_full; /* what there was */
    __u64 open_fds[AT_OPEN_FDS / 64]; /* one bit a descriptor that is open now, in the new program */
    __u32 is_new_code; /* the program's file: run for the first time, as far as is remembered */
    __u32 reserved;
    char comm[AT_COMM_SIZE];
    char path[AT_PATH_SIZE];               /* as given to execve, NUL-terminated, cut if longer */
    char environment[AT_ENVIRONMENT_SIZE]; /* NAME=value, NUL after each */
};

struct at_exit_record {
    struct at_header header;
    __s32 status; /* as of wait(2) */
    __u32 reserved;
    struct at_usage usage; /* told as a MemoryMark just before ProcessExited: a killed invocation has no other end */
};

struct at_oom_record { /* header: the victim as far as known; tgid always */
    struct at_header header;
    struct at_usage usage; /* of the victim's memory cgroup; zeros when not known */
};

#include "bpf/io_wire.h"

struct at_request_head_record { /* a send to the Runtime API is about to begin */
    struct at_header header;
    struct at_usage usage;
    struct at_endpoint peer;
    __s32 fd;
    __u32 head_size;
    __u32 reserved;
    char head[AT_HEAD_SIZE];
};

struct at_answer_part_record { /* the next bytes of the answer to GET …/invocation/next arrived */
    struct at_header header;
    struct at_usage usage;
    __s32 fd;
    __u32 offset;    /* of these bytes in the answer; 0: its first */
    __u32 part_size; /* what of `part` is filled */
    __u32 received;  /* what the system call returned */
    __u32 stands_for; /* of so many that end well this one is told */
    __u32 reserved;
    char part[AT_HEAD_SIZE];
};

struct at_existing_record { /* from the task iterator, not the ring: a process that ran before us */
    struct at_header header;
    __s32 parent;
    __u32 watched; /* its scope is */
    char comm[AT_COMM_SIZE];
};

struct at_fd_change_record { /* bookkeeping of descriptors that is no I/O of its own */
    struct at_header header;
    __s32 from;    /* dup: the old one; closed: the first */
    __s32 to;      /* dup: the new one; closed: the last */
    __u32 is_dup;  /* 1: dup, 0: closed */
    __u32 reserved;
};

/* What a thread waits for; as WaitCause (core/event.hpp). */
enum at_cause {
    AT_CAUSE_UNKNOWN = 0,
    AT_CAUSE_NETWORK,
    AT_CAUSE_DISK,
    AT_CAUSE_LOCK,
    AT_CAUSE_SLEEP,
    AT_CAUSE_CHILD,
    AT_CAUSE_RUN_QUEUE,
    AT_CAUSES = 8, /* a power of two: an index is masked; the last is nothing */
};

/* wall = on_cpu + the sum of off. Since the thread was first seen. */
struct at_times {
    __u64 wall_ns;
    __u64 on_cpu_ns;
    __u64 off_ns[AT_CAUSES];
};

struct at_thread_times_record {
    struct at_header header;
    struct at_times times;
    __u64 minor_faults;
    __u64 major_faults;
};

struct at_off_cpu_record { /* one time away from the CPU; header.at_ns: its end */
    struct at_header header;
    __u64 blocked_ns;  /* first it slept, for this cause … */
    __u64 runnable_ns; /* … then it waited for a CPU */
    __u32 cause;
    __u32 reserved;
};

struct at_syscall_record { /* header.at_ns: its end */
    struct at_header header;
    __s64 result;
    __u64 latency_ns;
    __u64 arguments[6];
    __u32 number;
    __u32 reserved;
};

enum at_calls_detail { /* as SyscallDetail (core/event_source.hpp) */
    AT_CALLS_NONE = 0,
    AT_CALLS_COUNTED,
    AT_CALLS_EACH,
};

/*
 * System calls that were only counted. Map `call_counts`, per CPU: by slot; only grow while a process has the slot.
 * Map `slot_owners`: who that is, or was; tgid 0: nobody. Slot 0 is never used.
 */
#define AT_CALL_SLOTS 512

struct at_call_counts {
    __u64 calls[AT_SYSCALL_NUMBERS];
    __u64 failures[AT_SYSCALL_NUMBERS];
};

struct at_slot_owner {
    __u64 start_ns; /* as in at_header */
    __u64 scope;
    __u32 tgid;
    __u32 reserved;
};

/* Map `counts`, per CPU, one entry. Only grow. */
struct at_counts {
    __u64 attempted[AT_KINDS]; /* by kind: records that were to be written */
    __u64 ring_full[AT_KINDS]; /* … and had no room */
    __u64 state_full;          /* a map of state had no room */
    __u64 read_failed;         /* user memory that could not be read */
    __u64 submitted;           /* records that were not urgent */
    __u64 shed;                /* what was not told to keep a budget: calls, waits, invocations */
};

#endif
