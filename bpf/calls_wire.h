/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Records and maps between bpf/calls.bpf.c and agent/native. C and C++; same machine, native order. */
#ifndef AUTOTUNE_BPF_CALLS_WIRE_H
#define AUTOTUNE_BPF_CALLS_WIRE_H

#include <linux/types.h>

enum at_native_limits {
    AT_MAX_FUNCTIONS = 1 << 20,
    AT_MAX_VALUES = 512,
    AT_VALUES_A_FUNCTION = 8,
    AT_VALUE_TEXT = 120,
    AT_MAX_CALL_TOTALS = 1 << 18,
};

enum at_native_record_kind { AT_NATIVE_CALL = 1, AT_NATIVE_VALUE = 2 };

/* What every record begins with. */
struct at_native_head {
    __u64 at_ns;    /* CLOCK_MONOTONIC */
    __u64 start_ns; /* of the process, CLOCK_BOOTTIME */
    __u64 cgroup;
    __u32 tgid;
    __u32 tid;
    __u32 kind;  /* at_native_record_kind */
    __u32 index; /* of the function, or of the value */
};

/* One call that is over; at_ns is its end. */
struct at_native_call {
    struct at_native_head head;
    __u64 duration_ns; /* without what probes added */
    __u64 added_ns;    /* that */
    __u32 depth;
    __u32 how; /* at_call_end */
};

/* A value that was seen. Of a number the first eight bytes of `text` are not used. */
struct at_native_value {
    struct at_native_head head;
    __u64 number;
    __u32 is_unreadable;
    __u32 length; /* of `text`, without a zero behind it */
    char text[AT_VALUE_TEXT];
};

/* Of one function, by the index that is its probes' cookie. Written before the probes are attached. */
struct at_native_function {
    __u32 bias_ns; /* what its own probe adds to its duration */
    __u32 cost_ns; /* what its probe adds to its caller's duration, the bias included */
    __u32 first_value;
    __u32 value_count; /* at most AT_VALUES_A_FUNCTION */
};

enum at_value_source { AT_VALUE_ARGUMENT = 0, AT_VALUE_VARIABLE = 1 };
enum at_value_form { AT_VALUE_NUMBER = 0, AT_VALUE_POINTED_TEXT = 1, AT_VALUE_INLINE_TEXT = 2 };

/* A value to look at; `budget_*` is the kernel side's. */
struct at_native_wish {
    __s64 from_probe;  /* of a variable: its address less the probe's */
    __u32 source;      /* at_value_source */
    __u32 form;        /* at_value_form */
    __u32 argument;    /* from 0 */
    __u32 size;        /* bytes, of a number 1 to 8 */
    __u32 per_second;  /* at most so many records; 0: all */
    __u32 budget_used;
    __u64 budget_since_ns;
};

/* Sums of one function's calls by one caller on one thread. */
struct at_call_key {
    __u64 process_start_ns;
    __u32 tgid;
    __u32 tid;
    __u32 function;
    __u32 caller; /* AT_NO_CALLER: none that is traced */
};
#define AT_NO_CALLER 0xffffffffu

struct at_call_sums {
    __u64 calls;
    __u64 total_ns; /* of those that are not inside another call of the same function */
    __u64 self_ns;
    __u64 cgroup;
};

struct at_native_counts {
    __u64 records;          /* attempted */
    __u64 ring_full;        /* of these, refused by the ring */
    __u64 threads_full;     /* calls that were not traced: no room for the thread's stack */
    __u64 sums_full;        /* calls that are in no sum */
    __u64 too_deep;         /* calls counted but not timed */
    __u64 returns_unknown;  /* returns from calls whose beginning was not seen */
    __u64 values_shed;      /* over their rate */
};

#endif
