/* attach: how a tracer and the library that it loaded into a running process speak with each other.
 *
 * The tracer calls the two functions on a thread of the program that it has stopped, one at a time, and reads
 * autotune_python_state in the program's memory: what comes of it is known when the GIL was had.
 */
#ifndef AUTOTUNE_RUNTIMES_PYTHON_ATTACH_H
#define AUTOTUNE_RUNTIMES_PYTHON_ATTACH_H

#include <stdint.h>

#define AT_EXPORTED __attribute__((visibility("default")))

enum at_attach {
    AT_ATTACH_NONE = 0,
    AT_ATTACH_WAITING = 1, /* for the GIL */
    AT_ATTACH_TRACING = 2,
    AT_ATTACH_REFUSED = 3, /* `why` says why */
    AT_ATTACH_OFF = 4,
};

/* Also laid out in agent/inject/injection.cpp. */
struct at_attach_state {
    uint32_t state;    /* at_attach, written last */
    int32_t ring_file; /* descriptor of the ring while tracing; -1: it is closed */
    char why[248];
};
extern AT_EXPORTED struct at_attach_state autotune_python_state;

/* `folder` and `options` as of the environment; see library.c. */
AT_EXPORTED void autotune_python_attach(const char *folder, const char *options);
/* Calls are as fast as before. */
AT_EXPORTED void autotune_python_detach(void);

/* Does `work` with the GIL, on a thread that is made for it. */
void at_attach_with_gil(void (*work)(void));
/* `state`, or refused where `why` is not null. */
void at_attach_tell(enum at_attach state, const char *why);

#endif
