/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Records between bpf/cold.bpf.c and agent/cold. C and C++; same machine, native order. */
#ifndef AUTOTUNE_BPF_COLD_WIRE_H
#define AUTOTUNE_BPF_COLD_WIRE_H

#include <linux/types.h>

#include "bpf/wire.h"

#define AT_COLD_TEXT 160

enum at_cold_kind {
    AT_COLD_FORK = 1,      /* the process was made; text: nothing */
    AT_COLD_EXEC_BEGINS,   /* it asks for another program */
    AT_COLD_PROGRAM,       /* it is another program now; text: its path */
    AT_COLD_EXEC_ENDS,     /* … and about to run: the loader, or without one the program */
    AT_COLD_ENTRY,         /* the program's first instruction */
    AT_COLD_RUN_MAIN,      /* CPython is set up: the main program comes */
    AT_COLD_IMPORT_BEGINS, /* text: the module's name */
    AT_COLD_IMPORT_ENDS,
    AT_COLD_BODY_BEGINS,   /* a module's own code; text: its file */
    AT_COLD_BODY_ENDS,
    AT_COLD_READY,         /* it asks for its next invocation */
    AT_COLD_WORK,          /* it got one */
    AT_COLD_ANSWER,        /* it sends what came of it */
    AT_COLD_EXIT,          /* the process has ended */
};

#define AT_COLD_THREADS 256 /* of so many faults and CPU are summed up, besides those that have ended */

struct at_cold_sums { /* of the process since it was made */
    __u64 opens;
    __u64 read_bytes;
    __u64 mapped_bytes; /* files */
    __u64 minor_faults;
    __u64 major_faults;
    __u64 resident; /* bytes now, but for what its CPUs hold back: some pages each */
    __u64 cpu_ns;
};

struct at_cold_mark {
    __u64 at_ns; /* CLOCK_MONOTONIC */
    __u32 kind;  /* enum at_cold_kind */
    __u32 pid;
    __u32 tid;
    __u32 parent;
    struct at_cold_sums sums;
    char text[AT_COLD_TEXT];
};

/*
 * Where a probe finds the text, as the cookie of its link: the register (enum at_cold_register), and for a code object
 * what is to be added to it, and to what is there.
 */
enum at_cold_register { AT_COLD_RAX, AT_COLD_RBX, AT_COLD_RCX, AT_COLD_RDX, AT_COLD_RSI, AT_COLD_RDI, AT_COLD_RBP, AT_COLD_R8,
    AT_COLD_R9, AT_COLD_R10, AT_COLD_R11, AT_COLD_R12, AT_COLD_R13, AT_COLD_R14, AT_COLD_R15, AT_COLD_REGISTERS };

#define AT_COLD_COOKIE(reg, first, second) ((__u64)(reg) | (__u64)(first) << 8 | (__u64)(second) << 24)

#endif
