/* hook: being called by the interpreter whenever a function is entered and left.
 *
 * Three ways, by what the version has and what costs least (docs/decisions tells the figures): a profile function
 * in every thread (3.8 to 3.10, and 3.11 with functions written in C), a frame evaluator (3.11), a tool of
 * sys.monitoring (3.12 on). All tell the same calls: an activation of a generator or a coroutine, from resume to
 * yield, is a call, as it is for cProfile.
 *
 * Threads: all with the GIL.
 */
#ifndef AUTOTUNE_RUNTIMES_PYTHON_HOOK_H
#define AUTOTUNE_RUNTIMES_PYTHON_HOOK_H

#include "runtimes/python/python_api.h"

enum at_switch { AT_SWITCH_OFF = 0, AT_SWITCH_ON = 1 };

struct at_hook {
    const char *(*prepare)(void);                       /* once; null or why not */
    const char *(*install)(enum at_switch builtins);    /* for all threads, there and to come; null or why not */
    void (*remove)(void);                               /* from all threads: calls are as fast as before */
    void (*try_out)(at_object *code, enum at_switch on); /* in this thread, at least for this code object */
};

extern const struct at_hook at_profile_hook;    /* 3.8 to 3.11 */
extern const struct at_hook at_evaluator_hook;  /* 3.11; uses the profile hook */
extern const struct at_hook at_monitoring_hook; /* 3.12 on */

#endif
