/* allocation_sums: what each place of Python code was given by the allocators, in a file that the agent reads
 * (AT_RING_ALLOCATIONS in runtimes/ring.h).
 *
 * The sums are a tree of places. A stack that is like the last one, but for some innermost places, costs a look-up for
 * each of those; one that is the same costs an addition. Beside it, private to the process, lies a table of the blocks
 * that have not been given back: what a block is made larger by is the difference to what it was. Memory is asked of the
 * kernel, never of an allocator. On request a journal says when it was (allocation_journal.h). A forked child begins anew, in a file of its own.
 *
 * Threads: with the GIL of the main interpreter; at_sums_add_without_gil() without it.
 */
#ifndef AUTOTUNE_RUNTIMES_PYTHON_ALLOCATION_SUMS_H
#define AUTOTUNE_RUNTIMES_PYTHON_ALLOCATION_SUMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtimes/python/python_frames.h"
#include "runtimes/ring.h"

enum at_sums_detail { AT_SUMS_ONLY, AT_SUMS_AND_JOURNAL };

/* Makes the file in `folder`, or an unnamed one where that is ""; one that was there before is over. Null, or why not. */
const char *at_sums_begin(const char *folder, enum at_sums_detail detail);
/* The program is over, what follows is the interpreter taking itself apart: what is held stays as it is now. */
void at_sums_keep_held(void);
/* Nothing is added any more. */
void at_sums_end(void);
int at_sums_file(void);

/* Somebody wants to know; in a child of fork, its file is made first. */
bool at_sums_wanted(void);

/* The calling thread's place, as an entry of the tree. */
uint32_t at_sums_place(const at_tstate *thread);
/* A block was handed out there, */
void at_sums_add(uint32_t place, uintptr_t block, size_t bytes);
/* was exchanged for another, larger or smaller one, perhaps at the same address, */
void at_sums_change(uint32_t place, uintptr_t before, uintptr_t block, size_t bytes);
/* or was given back. */
void at_sums_remove(uintptr_t block);
/* A block of so many bytes was handed out to a thread that has no place. */
void at_sums_add_without_gil(size_t bytes);

#endif
