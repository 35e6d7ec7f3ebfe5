/* ring.h: the shared memory in which probes inside a process tell the agent every call it makes.
 *
 * One sparse file per process and writer, below a folder that the agent made (AUTOTUNE_RING names it). The
 * probes write it (ring_writer.h), the agent reads it with pread(2) and writes three things, each one aligned
 * word: the mode, a chunk's owner (0: read, free again) and a slot's state (FREE: drained); of AT_RING_ALLOCATIONS
 * also how much of the journal is read. So a file that changes size or lies cannot harm the agent, and the agent never holds up the program: there is no lock.
 *
 *   header | slots, one a thread | owners of chunks | chunks of records | names | bodies, one a slot
 *
 * A slot's body holds the calls that are open now (`stack`: they outlive a killed process) and exact totals
 * for each pair of caller and function (`edges`, append-only, sums only grow). Single calls are 32-byte
 * records in 16 KiB chunks that threads take from a pool all share and the agent gives back: a thousand
 * threads cost no more than what was not read yet. No chunk free: the record is counted in `lost`, the
 * totals stay exact. Everything is native-endian: writer and reader are on one machine.
 *
 * C and C++; includes only kernel headers. */
#pragma once

#include <linux/types.h>

#define AT_RING_MAGIC 0x31676e6972746161ull /* "aatring1" */
#define AT_RING_VERSION 1u
#define AT_RING_ENVIRONMENT "AUTOTUNE_RING" /* the folder; files are named PID-SERIAL.KIND */
#define AT_OWN_READS "/proc/self/." /* files of the program's that a library of ours opens have names below */

enum {
    AT_RING_SLOTS = 4096,         /* threads at a time */
    AT_RING_CHUNKS = 2048,        /* 32 MiB of records in flight */
    AT_RING_CHUNK_RECORDS = 512,
    AT_RING_STACK = 65536,        /* calls open at a time in one thread; deeper ones are counted only */
    AT_RING_EDGES = 131072,       /* pairs of caller and function in one thread */
};

/* Where things are in the file. */
#define AT_RING_SLOTS_AT 4096ull
#define AT_RING_OWNERS_AT (768ull << 10)
#define AT_RING_CHUNKS_AT (1ull << 20)
#define AT_RING_CHUNK_BYTES 16384ull
#define AT_RING_NAMES_AT (64ull << 20)
#define AT_RING_NAMES_BYTES (64ull << 20)
#define AT_RING_BODIES_AT (128ull << 20)
#define AT_RING_STACK_BYTES (4ull << 20)
#define AT_RING_EDGES_BYTES (8ull << 20)
#define AT_RING_BODY_BYTES (AT_RING_STACK_BYTES + AT_RING_EDGES_BYTES)
#define AT_RING_BYTES (AT_RING_BODIES_AT + AT_RING_SLOTS * AT_RING_BODY_BYTES)

/* A function is its code's address, or a name of the table: this bit and the name's offset in it. */
#define AT_RING_NAMED (1ull << 63)

enum at_ring_kind {
    AT_RING_NATIVE = 1,
    AT_RING_PYTHON = 2,
    AT_RING_ALLOCATIONS = 3, /* the bodies are one tree of sums: at_ring_allocation */
    AT_RING_MODULE = 256, /* of names only, as */
    AT_RING_VALUE = 257,
};
enum at_ring_state { AT_RING_MAKING = 0, AT_RING_LIVE = 1, AT_RING_ENDED = 2 }; /* ended: in order, by exit */
enum at_ring_clock { AT_RING_TSC = 1, AT_RING_MONOTONIC = 2, AT_RING_CNTVCT = 3 }; /* what ticks are */

/* What the agent wishes; it may change at any time. Off: calls are only paired, no clock is read. */
enum at_ring_mode { AT_RING_OFF = 0, AT_RING_TOTALS = 1, AT_RING_RECORDS = 2 };

struct at_ring_header {
    __u64 magic; /* written last: the file is whole */
    __u32 version;
    __u32 kind;       /* at_ring_kind of the writer */
    __s32 pid;        /* in the writer's pid namespace */
    __s32 forked_from; /* pid of the process whose fork this one is, if that one was traced; or 0 */
    __u32 state;      /* at_ring_state */
    __u32 mode;       /* at_ring_mode; written by the agent */
    __u32 clock;      /* at_ring_clock */
    __u32 slots_used; /* slots that were ever taken are the first ones */
    __u64 began_ticks; /* one instant on both clocks */
    __u64 began_ns;    /* CLOCK_MONOTONIC */
    /* What the probes add, measured at start, in 1/1024 ticks: to the call itself, and to the calls around it
     * (which holds the former). */
    __u64 bias_inside;
    __u64 bias_around;
    __u64 unseen_calls; /* made by threads that found no slot, or found no memory: in no total */
    __u64 names_used;   /* bytes of the table that are whole names */
    __u64 names_lost;   /* names that found no room: their calls have function AT_RING_NAMED | 0, the unknown */
    __u64 chunks_used;  /* chunks that were ever taken are the first ones */
    __u64 ended_ticks;  /* when the program began to exit in order; 0: it did not */
    __u64 start_time;   /* of the process, in clock ticks since boot, as /proc/PID/stat has it */
    /* Of AT_RING_ALLOCATIONS: */
    __u64 allocations_used; /* entries that are whole */
    __u64 blocks_lost;      /* blocks whose size could not be remembered: grown ones count whole, `held` lacks them */
    /* Of their journal (at_ring_told), numbers of records since it began: */
    __u64 told_used;  /* that were begun */
    __u64 told_open;  /* that one and later ones may still grow; written when those before it never will again */
    __u64 told_read;  /* those before it are read, and their room is free; written by the agent */
    __u64 told_lost;  /* blocks that found no room: in the sums only, and */
    __u64 told_lost_bytes;
    __u32 told_keeps; /* 1: there is a journal */
};

enum at_ring_slot_state { AT_RING_SLOT_FREE = 0, AT_RING_SLOT_LIVE = 1, AT_RING_SLOT_DONE = 2 };

struct at_ring_slot { /* one thread; its own two cache lines */
    __u32 state;   /* at_ring_slot_state: LIVE and DONE by the thread, FREE by the agent */
    __s32 tid;     /* in the writer's pid namespace */
    __u32 depth;   /* calls open now; those at AT_RING_STACK and above have no entry */
    __u32 edges;   /* pairs that are whole */
    __u64 calls;   /* that ended: changes when any total has */
    __u64 records; /* told since the slot was taken */
    __u64 lost;    /* records that found no chunk */
    __u64 unpaired; /* calls without times or totals: too deep, no memory, or made by a signal's handler while
                       a probe was at work */
    __u32 chunks[2]; /* of record 0; of the record to come: chunk + 1 */
    __u32 generation; /* counts the threads that had this slot */
    __u32 unused[17];
};

struct at_ring_record { /* one call that ended */
    __u64 begin; /* ticks */
    __u64 end;
    __u64 below;  /* calls made beneath it, at any depth: each added bias_around to it */
    __u32 edge;   /* index into the slot's edges */
    __u32 depth_how; /* depth << 2 | at_ring_how */
};
enum at_ring_how { AT_RING_RETURNED = 0, AT_RING_RAISED = 1, AT_RING_CUT = 2 };

struct at_ring_owner { /* of a chunk. The thread writes `next` when it is full, the agent frees it then */
    __u32 slot; /* slot + 1; 0: free */
    __u32 next; /* chunk + 1 that follows in the same slot; 0: none yet */
};

struct at_ring_call { /* an open call; written by its thread, the agent looks when that is dead */
    __u64 begin;    /* 0: not yet */
    __u64 function;
    __u64 frame;    /* stack address that tells which frame it is; 0: the writer has none */
    __u64 children_ticks; /* time in the traced calls it made */
    __u64 below;    /* calls beneath, all and */
    __u64 children; /* direct ones */
    __u32 edge;     /* 0: paired only, in no total */
    __u32 node;     /* the writer's own, and */
    __u64 caller;
};

struct at_ring_edge { /* the calls of one function by one other. Entry 0 is not used. */
    __u64 function;
    __u64 caller; /* 0: called from outside of what is traced */
    __u64 calls;
    __u64 outer;  /* of them: not within another call of the same function */
    __u64 total;  /* ticks of the outer ones, callees included */
    __u64 self;   /* ticks of all, less the traced callees' */
    __u64 below;  /* calls beneath the outer ones */
    __u64 children; /* calls made directly by any of them */
};

/* Of AT_RING_ALLOCATIONS, at AT_RING_BODIES_AT: what a place of Python code, called by the places up to the first one,
 * has been given by the interpreter's allocators. Append-only; `bytes` and `blocks` only grow. */
struct at_ring_allocation {
    __u64 function;
    __u32 parent; /* entry, smaller than its own; 0: none */
    __u32 line;
    __u64 bytes;  /* handed out; of a block that is made larger what it grew by */
    __u64 blocks; /* calls that handed them out */
    __u64 held;   /* bytes of them that have not been given back */
    __u64 unused;
};
/* The first entries are no places. */
enum at_ring_allocations {
    AT_ALLOCATIONS_ROOT = 0,          /* no Python code ran */
    AT_ALLOCATIONS_CUT = 1,           /* parent of the outermost place of stacks that were too deep */
    AT_ALLOCATIONS_WITHOUT_GIL = 2,   /* by threads whose place could not be looked at; `held` is 0 */
    AT_ALLOCATIONS_NO_ROOM = 3,       /* of stacks that found no entry */
    AT_ALLOCATIONS_FIRST = 4,
    AT_RING_ALLOCATION_ENTRIES = 262144,
    AT_ALLOCATIONS_DEEPEST = 512,     /* places of a stack; what is above the innermost ones is left out */
};

/* Their journal, on request, at AT_RING_CHUNKS_AT, going round: when they were. A record is what one place was given by
 * one thread within a moment: no longer than AT_MOMENT_LONGEST_US, and without a pause of AT_MOMENT_PAUSE_US, as each wait
 * for work is one. So what was given for one piece of work and for the next is never in one record. A record that the
 * agent has seen may have grown when it looks again, as long as it is open. */
struct at_ring_told {
    __u64 begin;   /* ticks: the first of them */
    __u64 bytes;
    __u32 place;   /* entry of the tree */
    __u32 blocks;
    __s32 tid;     /* in the writer's pid namespace */
    __u32 unused;
};
enum { AT_RING_TOLD_RECORDS = 131072, AT_MOMENT_PAUSE_US = 10, AT_MOMENT_LONGEST_US = 1000 };

struct at_ring_name { /* at an offset that is a multiple of 8; the first is at 8. Texts follow, UTF-8, no zeros */
    __u32 size; /* of all this, padded to 8 */
    __u32 line;
    __u16 name_bytes;
    __u16 file_bytes;
    __u32 kind; /* of the frame: at_ring_kind */
};

/* Of kind AT_RING_MODULE: executable code that is mapped. `name` is the file's path, `file` these bytes. A writer
 * of addresses tells them, so that they can be named after the process has gone. */
struct at_ring_module {
    __u64 start; /* addresses in the process */
    __u64 end;
    __u64 offset; /* of `start` in the file */
    __u64 inode;  /* of the file */
};

/* Of kind AT_RING_VALUE: a watched expression was evaluated. `name` is the value as text, `file` these bytes and then
 * the expression. Values are told as long as the table is not half full. */
struct at_ring_value {
    __u64 at;      /* ticks */
    __u32 slot;    /* of the thread */
    __u32 skipped; /* values of that expression since the last one that were not told */
};
#define AT_RING_VALUES_BYTES (AT_RING_NAMES_BYTES / 2)

#ifdef __cplusplus
#define AT_RING_CHECK(what) static_assert(what, #what)
#else
#define AT_RING_CHECK(what) _Static_assert(what, #what)
#endif
AT_RING_CHECK(sizeof(struct at_ring_header) <= 4096);
AT_RING_CHECK(sizeof(struct at_ring_slot) == 128);
AT_RING_CHECK(sizeof(struct at_ring_record) * AT_RING_CHUNK_RECORDS == AT_RING_CHUNK_BYTES);
AT_RING_CHECK(sizeof(struct at_ring_call) * AT_RING_STACK == AT_RING_STACK_BYTES);
AT_RING_CHECK(sizeof(struct at_ring_edge) * AT_RING_EDGES == AT_RING_EDGES_BYTES);
AT_RING_CHECK(sizeof(struct at_ring_allocation) == 48);
AT_RING_CHECK(sizeof(struct at_ring_allocation) * AT_RING_ALLOCATION_ENTRIES <= AT_RING_BYTES - AT_RING_BODIES_AT);
AT_RING_CHECK(sizeof(struct at_ring_told) * AT_RING_TOLD_RECORDS <= AT_RING_NAMES_AT - AT_RING_CHUNKS_AT);
AT_RING_CHECK(AT_RING_SLOTS_AT + AT_RING_SLOTS * sizeof(struct at_ring_slot) <= AT_RING_OWNERS_AT);
AT_RING_CHECK(AT_RING_OWNERS_AT + AT_RING_CHUNKS * sizeof(struct at_ring_owner) <= AT_RING_CHUNKS_AT);
AT_RING_CHECK(AT_RING_CHUNKS_AT + AT_RING_CHUNKS * AT_RING_CHUNK_BYTES <= AT_RING_NAMES_AT);
