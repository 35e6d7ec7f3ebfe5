/* recorder: what the hooks tell goes into the process's ring (runtimes/ring.h) from here.
 *
 * Threads: enter and leave are for the calling thread; the rest is for one thread at a time, the GIL's.
 */
#ifndef AUTOTUNE_RUNTIMES_PYTHON_RECORDER_H
#define AUTOTUNE_RUNTIMES_PYTHON_RECORDER_H

#include <stdbool.h>
#include <stdint.h>

#include "runtimes/ring.h"

/* What the hook adds, measured: to a call itself, and to the calls around it (which holds the former). In 1/1024
 * ticks. */
struct at_bias {
    uint64_t inside;
    uint64_t around;
};

/* Makes the ring: a file in `folder`, or an unnamed one where that is "". When there was one already, that is over,
 * and all threads go over to the new one. Null, or why not. REQUIRES: no hook is installed. */
const char *at_recorder_start(const char *folder);
/* The descriptor of the ring's file. */
int at_recorder_file(void);
/* From now on the agent may look. REQUIRES: started. */
void at_recorder_open(struct at_bias bias);

/* Between the two: what this thread tells goes nowhere, to be measured. Null, or why not. */
const char *at_recorder_begin_trial(void);
/* Mean duration, in 1/1024 ticks, of the calls of `function` in the trial, which is over. */
uint64_t at_recorder_end_trial(uint64_t function);
uint64_t at_recorder_ticks(void);

/* The calling thread enters or leaves a function; `how` is at_ring_how. What is left and was not seen entered is
 * no call; what is still open above the one that is left was cut short. */
void at_recorder_enter(uint64_t function);
void at_recorder_leave(uint64_t function, uint32_t how);

/* The function called `name`: AT_RING_NAMED and its place in the table. */
uint64_t at_recorder_name(const char *name, const char *file, uint32_t line);

/* A watched expression's value, now, in this thread; `skipped` values before it were left out. False: there is no
 * room. */
bool at_recorder_value(const char *value, const char *expression, uint32_t skipped);

#endif
