/* allocation_journal: when allocations were, in records that the agent reads while the program runs (at_ring_told in
 * runtimes/ring.h). So it learns which of them were made for one piece of work, say one request.
 *
 * What a place is given within a moment is one record; a moment ends where the thread pauses or another one goes on. Beside
 * the ring lies, private to the process, which record each place had last. Memory is the kernel's, and is not there in a
 * forked child. Records that find no room are counted. Threads: with the GIL.
 */
#ifndef AUTOTUNE_RUNTIMES_PYTHON_ALLOCATION_JOURNAL_H
#define AUTOTUNE_RUNTIMES_PYTHON_ALLOCATION_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtimes/ring_file.h"

struct at_journal { /* all zero: none is kept */
    struct at_ring *ring;
    struct at_ring_told *records; /* in the ring's mapping */
    uint64_t *last;               /* of each entry of the tree: number of its newest record, and 1 */
    uint64_t opened;              /* number of the moment's first record */
    uint64_t began, seen;         /* the moment; the newest allocation */
    uint64_t longest, pause;      /* all in ticks */
    uint32_t ready;               /* records that have memory */
    uint32_t life;                /* which of this program's journals */
    int32_t thread;
};

/* REQUIRES: the ring is mapped, and not yet published. False: there is no memory. */
bool at_journal_make(struct at_journal *journal, struct at_ring *ring);
void at_journal_forget(struct at_journal *journal);
/* REQUIRES: made; `place` is an entry of the tree. */
void at_journal_add(struct at_journal *journal, uint32_t place, size_t bytes);

#endif
