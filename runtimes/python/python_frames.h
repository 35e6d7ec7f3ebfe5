/* python_frames: where a thread's Python code is, read from CPython's own structures: nothing is called, nothing is
 * allocated, so it may be done in the midst of the allocator.
 *
 * Threads: for the thread whose state it is, with the GIL; or while that thread cannot run.
 */
#ifndef AUTOTUNE_RUNTIMES_PYTHON_FRAMES_H
#define AUTOTUNE_RUNTIMES_PYTHON_FRAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "runtimes/python/python_api.h"

struct at_place {
    at_object *code;
    uintptr_t at; /* up to 3.10 f_lasti, later the instruction's address */
};

/* Once, with the GIL. Null; or why the frames of this interpreter cannot be read: its structures were compared with what
 * CPython itself says of them. */
const char *at_frames_prepare(void);

/* Fills `places`, innermost first, with at most `most` of them: how many there are. `cut`: there were more. Frames that
 * have not begun to execute are left out, as CPython's own tracebacks do. REQUIRES: prepared. */
uint32_t at_frames_walk(const at_tstate *thread, struct at_place *places, uint32_t most, bool *cut);

/* Bytes from the beginning of the code, -1 before its first instruction. */
int at_offset_of(const struct at_place *place);
/* The line; 0: it is not known. */
uint32_t at_line_of(const struct at_place *place);

/* The state that runs in this thread, with the GIL of the main interpreter; null: it is not so. */
at_tstate *at_frames_of_this_thread(void);

#endif
