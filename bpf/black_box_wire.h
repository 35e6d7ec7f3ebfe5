/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Records and maps between bpf/black_box.bpf.c and agent/black_box. C and C++; same machine, native order. */
#ifndef AUTOTUNE_BPF_BLACK_BOX_WIRE_H
#define AUTOTUNE_BPF_BLACK_BOX_WIRE_H

#include <linux/types.h>

#include "bpf/sampler_wire.h"
#include "bpf/wire.h"

enum at_box_limits {
    AT_BOX_PLACES = 4096,       /* a power of two: process numbers are masked */
    AT_BOX_CALLS = 32,          /* a power of two: an index is masked */
    AT_BOX_TEXT = 48,
    AT_BOX_FILES = 128,         /* a power of two: an index is masked */
    AT_BOX_DESCRIPTORS = 512,   /* the first so many are looked at */
    AT_BOX_PATH = 192,
    AT_BOX_PAGE = 4096,
    AT_BOX_STACK_PAGES = 9,     /* 32 KiB at least: the first one begins below the stack pointer */
    AT_BOX_TEXT_OBJECT = 640,   /* a Python string, its head included */
    AT_BOX_CODE_OBJECT = 208,
    AT_BOX_LINE_TABLE = 32768,  /* a power of two */
};

enum at_box_record {
    AT_BOX_SEEN = 1,    /* at_box_notice: a watched process was forked, or found */
    AT_BOX_PROGRAM,     /* at_box_mapped: it became another program */
    AT_BOX_CODE_MAPPED, /* at_box_mapped: it mapped a file to be executed */
    AT_BOX_PRESSURE,    /* at_box_notice: its memory came near the limit */
    AT_BOX_DYING,       /* at_box_dying: it is being killed; once */
    AT_BOX_OPEN_FILES,  /* at_box_files: what it has open; once, after AT_BOX_DYING */
    AT_BOX_CODE,        /* at_box_code: of a Python function that one of its threads is in; before that thread */
    AT_BOX_THREAD,      /* at_box_thread: where a thread of it is */
    AT_BOX_OVER,        /* at_box_notice: it has gone, after AT_BOX_DYING */
};

struct at_box_head {
    __u32 record; /* enum at_box_record */
    __u32 pid;    /* thread group */
    __u32 tid;
    __u32 reserved;
    __u64 at_ns;    /* CLOCK_MONOTONIC */
    __u64 start_ns; /* of the thread group, CLOCK_BOOTTIME */
    __u64 cgroup;   /* its own, not a scope */
    char command[AT_COMM_SIZE];
};

struct at_box_notice {
    struct at_box_head head;
    __u64 memory_now; /* of the memory cgroup; AT_BOX_PRESSURE */
    __u64 memory_limit;
};

struct at_box_mapped { /* for those that are gone before anybody has looked at them */
    struct at_box_head head;
    __u64 address; /* of a program: its code */
    __u64 size;
    __u64 offset; /* in the file; not known of a program */
    __u64 inode;
    char path[AT_BOX_PATH]; /* as in at_box_file */
};

struct at_box_call { /* a system call that has returned, or was interrupted by the kill */
    __u64 at_ns;     /* its end; 0: none */
    __u64 arguments[6];
    __s64 result;
    __u32 number;
    __u32 tid;
    char text[AT_BOX_TEXT]; /* a path, cut if longer; of connect, bind and sendto a struct sockaddr; else zeros */
};

struct at_box_process { /* map box_processes: thread-group id → what is remembered while it lives */
    __u64 start_ns;
    __u64 cgroup;
    __u32 pressure; /* the highest step that was told */
    __u32 next;     /* calls so far */
    __u32 worked;   /* it has received something since its calls are not looked at */
    __u32 reserved;
    struct at_box_call calls[AT_BOX_CALLS];
};

struct at_box_dying { /* head: the first thread that dies */
    struct at_box_head head;
    __u32 signal;
    __u32 out_of_memory; /* the kernel took it for want of memory */
    __u32 wanted_by;     /* thread that wanted the page; 0: not known */
    __u32 threads;       /* that it has */
    __u64 memory_now;    /* of the memory cgroup */
    __u64 memory_limit;
    __u64 anonymous, files, shared, swap; /* of the process: bytes resident, and swapped out */
    __u32 calls_made;    /* what of `calls` is filled, modulo its size */
    __u32 descriptors;   /* highest that may be open, plus one */
    __u32 calls_shed;    /* the last ones are not among `calls`: they were given up for the budget */
    __u32 reserved;
    struct at_box_call calls[AT_BOX_CALLS]; /* a ring: the oldest is at calls_made % AT_BOX_CALLS */
};

struct at_box_file {
    __s32 fd;
    __u32 flags;    /* O_… */
    __u64 position;
    __u64 inode;
    __u32 device;
    __u16 mode;     /* S_IFMT and permissions; 0: not a file of a kind */
    __u8 state;     /* of a TCP socket: TCP_ESTABLISHED, … */
    __u8 type;      /* of a socket: SOCK_STREAM, … */
    struct at_endpoint local; /* sockets */
    struct at_endpoint peer;
    char path[AT_BOX_PATH]; /* components, the last first, NUL after each; an empty one ends it */
};

struct at_box_files { /* cut behind the last */
    struct at_box_head head;
    __u32 count;
    __u32 more; /* open, but not told: too many */
    struct at_box_file files[AT_BOX_FILES];
};

struct at_box_registers {
    __u64 ip, sp, bp;
    __s64 call; /* system call that it was in; -1: none */
    __u64 arguments[6];
};

struct at_box_thread { /* cut behind the last page of the stack */
    struct at_box_head head;
    struct at_box_registers registers;
    __u64 stack_base;   /* address of `stack` */
    __u32 stack_pages;  /* what of it could be read */
    __u32 python_count; /* what of `python` is filled, innermost first */
    __u32 python_result; /* enum at_python_result */
    __u32 reserved;
    struct at_python_frame python[AT_MAX_PYTHON_FRAMES];
    __u8 stack[AT_BOX_STACK_PAGES * AT_BOX_PAGE];
};

struct at_box_code { /* memory of the process, as it was; cut behind `table_size` bytes of the line table */
    struct at_box_head head;
    __u64 code_at, name_at, file_at, table_at; /* addresses */
    __u32 name_size, file_size; /* what could be read */
    __u32 table_size;
    __u32 reserved;
    __u8 code[AT_BOX_CODE_OBJECT];
    __u8 name[AT_BOX_TEXT_OBJECT];
    __u8 file[AT_BOX_TEXT_OBJECT];
    __u8 table[AT_BOX_LINE_TABLE];
};

struct at_box_python { /* map box_pythons: thread-group id → */
    struct at_python_process process;
    __u32 name, file, table; /* offsets in the code object */
    __u32 reserved;
};

/* Indexes of the per-CPU array box_counts. */
enum at_box_count {
    AT_BOX_RING_FULL = 0, /* records that found no room */
    AT_BOX_STATE_FULL,    /* processes that could not be remembered */
    AT_BOX_UNREADABLE,    /* Python functions whose memory could not be read */
    AT_BOX_COUNTS,
};

#endif
