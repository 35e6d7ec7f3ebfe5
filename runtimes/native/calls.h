/* calls: what is done when a function of the program is entered and left, and the ring that it is told to.
 *
 * Threads: any, also in handlers of signals. Nothing here takes a lock of the program's, allocates by malloc, or touches
 * vector registers: the program's arguments and results are in them. */
#ifndef AUTOTUNE_RUNTIMES_NATIVE_CALLS_H
#define AUTOTUNE_RUNTIMES_NATIVE_CALLS_H

#include <linux/types.h>

enum at_probes { AT_PROBES_HOOKS, AT_PROBES_PATCHED };

/* Makes the process's ring in the folder that the environment names, measures what those probes cost, and opens it.
 * Once. Null, "" when nobody asked, or why there is none. */
const char *at_calls_start(enum at_probes probes);
int at_calls_have_started(void); /* there is one, whoever made it */

/* The agent finds nothing else of this process: FOLDER/PID.refused holds the reason. */
void at_calls_refuse(const char *reason);

/* A jump is about to leave frames without a word: what is entered next knows how far. */
void at_calls_jumped(void);

/* Of stubs.S: a patched function was entered; `location` is where its return address is, `resume` where it goes on.
 * Nothing of the thread's has changed afterwards but that return address. */
void at_native_entered(__u64 *location, __u64 resume);
/* A stub was returned to. Where the program wants to be. */
__u64 at_native_left(__u64 group, __u64 number);

#endif
