/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Records and maps between bpf/sampler.bpf.c and agent/symbols. C and C++; same machine, native order. */
#ifndef AUTOTUNE_BPF_SAMPLER_WIRE_H
#define AUTOTUNE_BPF_SAMPLER_WIRE_H

#include <linux/types.h>

enum at_sampler_limits {
    AT_MAX_PYTHON_FRAMES = 128, /* a power of two: an index is masked */
    AT_MAX_NATIVE_FRAMES = 1024, /* a power of two: an index is masked */
    AT_MAX_POINTER_FRAMES = 127, /* kernel.perf_event_max_stack: what the kernel walks by frame pointers */
    AT_MAX_PYTHON_THREADS = 2048, /* looked through for the one that runs; the oldest is the last */
    AT_EXEC_PATH_LENGTH = 256,
};

/*
 * What comes often is short: a process, a stack and an address are told once, and from then on by their number. What is
 * referred to comes before what refers to it.
 */
enum at_sampler_record {
    AT_RECORD_STACK = 1,
    AT_RECORD_EXEC = 2,
    AT_RECORD_SAMPLE = 3,
    AT_RECORD_PROCESS = 4,
};

/* What a sample's weight is. */
enum at_sample_of {
    AT_SAMPLE_TICK = 0,   /* the thread ran when the clock ticked; weight 0: the clock's period */
    AT_SAMPLE_CPU = 1,    /* ns on the CPU since its last sample */
    AT_SAMPLE_OFF = 2,    /* ns off the CPU; at_ns = their end */
    AT_SAMPLE_MEMORY = 3, /* bytes of memory that the kernel gave it */
    AT_SAMPLE_LATER = 4,  /* of a stack: no sample yet, samples refer to it */
};

/* Numbers of stacks that are none. */
enum at_no_stack {
    AT_STACK_NONE = 0,
    AT_STACK_BEFORE = 1,    /* off the CPU since before anybody looked */
    AT_STACK_NEW = 2,       /* a new thread, waiting for its first CPU */
    AT_STACK_UNSEEN = 3,    /* a switch was not seen */
    AT_STACK_TAKEN = 4,     /* on a CPU, but not its time: interrupts, the hypervisor */
    AT_STACK_UNSAMPLED = 5, /* on the CPU, after its last sample */
    AT_STACK_LOST = 6,      /* of records that found no room */
    AT_FIRST_STACK = 16,
};

/* What every record begins with. */
struct at_sampler_head {
    __u8 record;        /* at_sampler_record */
    __u8 of;            /* at_sample_of; of samples and stacks */
    __u8 python_result; /* at_python_result, of stacks */
    __u8 native_result; /* at_native_result, of stacks */
    __u32 tid;
    __u32 process; /* number of an at_told_process */
    __u32 stack;   /* number of an at_stack; of samples also at_no_stack */
    __u64 at_ns;   /* CLOCK_MONOTONIC */
};

/* A process in its scope; head.process is its number from now on. */
struct at_told_process {
    struct at_sampler_head head;
    __u64 start_ns; /* of the thread group, CLOCK_BOOTTIME */
    __u64 cgroup;
    __u32 pid; /* thread group */
    __u32 reserved;
};
#define AT_KEPT_PROCESSES 8192 /* so many the kernel side remembers to have told; the reader must keep more */
#define AT_KEPT_STACKS 65536
#define AT_STACK_SLOTS (2 * AT_KEPT_STACKS)
#define AT_OLD_STACK AT_KEPT_STACKS /* so many told since: it is told again. The reader must keep twice as many, if by their use */
#define AT_TOLD_SETS 8192 /* of four addresses */

enum at_python_result {
    AT_PYTHON_NONE = 0,      /* no interpreter known in this process */
    AT_PYTHON_WHOLE = 1,     /* reached the outermost frame */
    AT_PYTHON_CUT = 2,       /* more than AT_MAX_PYTHON_FRAMES, or a frame could not be read */
    AT_PYTHON_NO_THREAD = 3, /* the interpreter has no state for this thread */
};

enum at_native_result {
    AT_NATIVE_POINTERS = 0,   /* by the kernel, by frame pointers: no tables for this process yet */
    AT_NATIVE_WHOLE = 1,      /* reached the outermost frame */
    AT_NATIVE_CUT = 2,        /* more than AT_MAX_NATIVE_FRAMES */
    AT_NATIVE_UNMAPPED = 3,   /* came to an address that no table covers */
    AT_NATIVE_NO_RECIPE = 4,  /* came to code that its file does not describe */
    AT_NATIVE_UNREADABLE = 5, /* memory that could not be read, or a stack that does not grow */
    AT_NATIVE_COPIED = 0x80,  /* beside one of these: the stack was copied (at_stack_copy), user space walks it */
};

/* `code`: address of the code object; its lowest bit, AT_PYTHON_ENTRY, is set when the interpreter's evaluation
 * function was entered with this frame: it and the frames inside it up to the next such are one native frame. `instruction`: 3.11 on, address of the instruction; before, f_lasti.
 * `identity`: the eight bytes that end in co_firstlineno, to notice an address used again. */
#define AT_PYTHON_ENTRY 1ull
struct at_python_frame {
    __u64 code;
    __u64 instruction;
    __u64 identity;
};

/*
 * Followed by python_frames at_python_frame, kernel_frames addresses, fresh_frames addresses, and native_frames __u16;
 * frames are innermost first. A native frame that is 0 is the next of the fresh addresses. Of these each has from now on
 * the number first, first + 1, …, up to AT_LAST_ADDRESS; other native frames are such numbers. first 0: they have none.
 * Numbers hold within an epoch. A stack of AT_SAMPLE_TICK is that sample too.
 */
struct at_stack {
    struct at_sampler_head head;
    __u16 python_frames;
    __u16 native_frames;
    __u16 kernel_frames;
    __u16 fresh_frames;
    __u16 epoch;
    __u16 first;
    __u32 reserved;
};
#define AT_LAST_ADDRESS 0xffff

/* Without its weight when it is AT_SAMPLE_TICK. */
struct at_sample {
    struct at_sampler_head head;
    __u64 weight;
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
    __u32 shim_owner;       /* of frames that are the C stack's, not a function's: one for each entry (3.12 on) */
    __u32 code_identity;
    __u32 frame_entry; /* one byte, not 0 in entry frames (3.11); with no shims either every frame is one (to 3.10) */
};

/* Value of the map python_processes; key: thread-group id (__u32). */
struct at_python_process {
    __u64 start_ns; /* a thread group of another start time is another process */
    __u64 runtime;  /* address of _PyRuntime there */
    struct at_python_offsets offsets;
};

/*
 * Unwinding tables. A process has an address space (a number that is never used again); a space's mappings say
 * which file lies where; a file has rows by page (agent/unwind/unwind_table.hpp), a row leads to a recipe.
 */
#define AT_UNWIND_PAGE_BITS 16
#define AT_UNWIND_ROWS_A_CHUNK 16 /* elements of array maps are multiples of eight bytes: several rows in one */
#define AT_MAX_RECIPES 16384
#define AT_UNWIND_SLAB_CHUNKS 16384 /* a slab is 1 MiB of rows; files share slabs */
#define AT_MAX_UNWIND_SLABS 256

struct at_unwind_process { /* unwind_processes: thread-group id → */
    __u64 start_ns; /* a thread group of another start time is another process */
    __u32 space;
    __u32 reserved;
};

struct at_unwind_mapping_key { /* unwind_mappings: longest prefix → struct at_unwind_mapping */
    __u32 prefix;       /* bits of what follows; 96: one address */
    __u8 space[4];      /* both with the highest byte first */
    __u8 address[8];
};

struct at_unwind_mapping {
    __u64 bias; /* address less the file's own */
    __u32 file;
    __u32 reserved;
};

struct at_unwind_page_key { /* unwind_pages → struct at_unwind_rows */
    __u32 file;
    __u32 page; /* the file's own address >> AT_UNWIND_PAGE_BITS */
};

struct at_unwind_rows {
    __u32 slab;
    __u32 first;
    __u32 count;
};

struct at_unwind_chunk { /* unwind_slabs: slab → array of these, which user space writes through mmap */
    __u32 rows[AT_UNWIND_ROWS_A_CHUNK]; /* low half: the address's low 16 bits; high half: the recipe */
};

/* Indexes of the per-CPU array sampler_counts. */
enum at_sampler_count {
    AT_COUNT_ATTEMPTED = 0,  /* records that should have been written */
    AT_COUNT_RING_FULL = 1,  /* … and were not: no room */
    AT_COUNT_UNREADABLE = 2, /* samples with no frame at all */
    AT_COUNT_STATE_FULL = 3, /* started processes and threads that could not be noted */
    AT_COUNT_STACK_LOST = 4, /* stacks that found no room in the ring: their samples have a number nobody knows */
    AT_COUNT_NOT_COPIED = 5, /* stacks that should have been copied, and found no room in that ring */
    AT_SAMPLER_COUNTS = 6,
};

/* Of the ring stack_copies: registers and memory of a thread from its stack pointer's page on. */
#define AT_COPY_PAGE 4096
#define AT_COPY_PAGES 6
#define AT_MOST_COPIES 256 /* of one process by one version of its tables; the ring holds more than these */
#define AT_COPY_RING_BYTES (8u << 20)

struct at_stack_copy {
    __u64 at_ns; /* with tid: of which stack */
    __u32 tid;
    __u32 pages; /* that could be read */
    __u64 ip, sp, bp;
    __u64 base; /* address of the first byte */
    __u8 bytes[AT_COPY_PAGES * AT_COPY_PAGE];
};

#endif
