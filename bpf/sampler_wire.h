/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Records and maps between bpf/sampler.bpf.c and agent/symbols. C and C++; same machine, native order. */
#ifndef AUTOTUNE_BPF_SAMPLER_WIRE_H
#define AUTOTUNE_BPF_SAMPLER_WIRE_H

#include <linux/types.h>

enum at_sampler_limits {
    AT_MAX_PYTHON_FRAMES = 128, /* a power of two: an index is masked */
    AT_MAX_NATIVE_FRAMES = 127, /* kernel.perf_event_max_stack */
    AT_MAX_PYTHON_THREADS = 128,
    AT_COMMAND_LENGTH = 16,
    AT_EXEC_PATH_LENGTH = 256,
};

enum at_sampler_record { AT_RECORD_SAMPLE = 1, AT_RECORD_EXEC = 2 };

/* What every record begins with. */
struct at_sampler_head {
    __u32 record; /* at_sampler_record */
    __u32 pid;    /* thread group */
    __u32 tid;
    __u32 reserved;
    __u64 at_ns;    /* CLOCK_MONOTONIC */
    __u64 start_ns; /* of the thread group, CLOCK_BOOTTIME */
    __u64 cgroup;
    char command[AT_COMMAND_LENGTH];
};

enum at_python_result {
    AT_PYTHON_NONE = 0,      /* no interpreter known in this process */
    AT_PYTHON_WHOLE = 1,     /* reached the outermost frame */
    AT_PYTHON_CUT = 2,       /* more than AT_MAX_PYTHON_FRAMES, or a frame could not be read */
    AT_PYTHON_NO_THREAD = 3, /* the interpreter has no state for this thread */
};

/* `code`: address of the code object. `instruction`: 3.11 on, address of the instruction; before, f_lasti.
 * `identity`: the eight bytes that end in co_firstlineno, to notice an address used again. */
struct at_python_frame {
    __u64 code;
    __u64 instruction;
    __u64 identity;
};

/* Followed by python_frames at_python_frame, then native_frames __u64 addresses, both innermost first. */
struct at_sample {
    struct at_sampler_head head;
    __u16 python_frames;
    __u16 native_frames;
    __u16 python_result; /* at_python_result */
    __u16 reserved;
};

struct at_exec {
    struct at_sampler_head head;
    __u64 text_start; /* of the new program: mm->start_code, end_code; virtual addresses */
    __u64 text_end;
    __u64 inode; /* of the program's file */
    char path[AT_EXEC_PATH_LENGTH]; /* as given to exec, perhaps relative; cut, always terminated */
};

/* Where the walk finds things in one version of CPython: byte offsets. */
struct at_python_offsets {
    __u32 runtime_current_thread; /* _PyRuntime → the thread with the GIL (3.8 to 3.11); 0 = none */
    __u32 runtime_interpreter;    /* _PyRuntime → main interpreter */
    __u32 interpreter_threads;    /* → first thread state */
    __u32 thread_next;
    __u32 thread_id;    /* what pthread_self() gives */
    __u32 thread_frame; /* → frame, or → cframe when has_cframe */
    __u32 has_cframe;
    __u32 cframe_frame;
    __u32 frame_code;
    __u32 frame_back;
    __u32 frame_instruction;
    __u32 instruction_size; /* 4: an int; 8: a pointer */
    __u32 frame_owner;      /* one byte; compared when shim_owner is not 0 */
    __u32 shim_owner;       /* of frames that are the C stack's, not a function's */
    __u32 code_identity;
    __u32 reserved;
};

/* Value of the map python_processes; key: thread-group id (__u32). */
struct at_python_process {
    __u64 start_ns; /* a thread group of another start time is another process */
    __u64 runtime;  /* address of _PyRuntime there */
    struct at_python_offsets offsets;
};

/* Indexes of the per-CPU array sampler_counts. */
enum at_sampler_count {
    AT_COUNT_ATTEMPTED = 0,  /* records that should have been written */
    AT_COUNT_RING_FULL = 1,  /* … and were not: no room */
    AT_COUNT_UNREADABLE = 2, /* samples with no frame at all */
    AT_COUNT_STATE_FULL = 3, /* started processes that could not be noted */
    AT_SAMPLER_COUNTS = 4,
};

#endif
