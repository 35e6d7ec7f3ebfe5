#include "runtimes/python/attach.h"

#include <pthread.h>
#include <stddef.h>
#include <stdio.h>

#include "runtimes/python/allocations.h"
#include "runtimes/python/python_api.h"
#include "runtimes/python/recorder.h"

struct at_attach_state autotune_python_state;

void at_attach_tell(enum at_attach state, const char *why) {
    snprintf(autotune_python_state.why, sizeof autotune_python_state.why, "%s", why != NULL ? why : "");
    autotune_python_state.ring_file = -1;
    if (state == AT_ATTACH_TRACING && why == NULL) {
        const int sums = at_allocations_file();
        autotune_python_state.ring_file = sums >= 0 ? sums : at_recorder_file();
    }
    __atomic_store_n(&autotune_python_state.state, why == NULL ? state : AT_ATTACH_REFUSED, __ATOMIC_RELEASE);
}

/* An interpreter that ends meanwhile never lets us have the GIL: the thread ends with the process. */
static void *with_gil(void *work) {
    const int before = at_py.PyGILState_Ensure();
    ((void (*)(void))work)();
    at_py.PyGILState_Release(before);
    return NULL;
}

/* The tracer has blocked all signals meanwhile: so they are in the new thread, which takes none of the program's. */
void at_attach_with_gil(void (*work)(void)) {
    pthread_attr_t attributes;
    pthread_t thread;
    at_attach_tell(AT_ATTACH_WAITING, NULL);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, 1u << 20); /* the program's own wish may be for less */
    if (pthread_create(&thread, &attributes, with_gil, (void *)work) != 0)
        at_attach_tell(AT_ATTACH_REFUSED, "it can start no more threads");
    pthread_attr_destroy(&attributes);
}
