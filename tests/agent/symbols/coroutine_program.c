/* When the file argv[1] is there: burns 400 ms of CPU in a coroutine whose frames lie at the
 * upper end of its stack, with nothing mapped above. Without frame pointers. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <ucontext.h>

#include "wait_for_go.h"

enum { PAGE = 4096, STACK = 4 * PAGE };

static volatile unsigned sink;
static ucontext_t outside, inside;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

__attribute__((noinline)) void work_in_coroutine(void) {
    const double end = now() + 0.4;
    while (now() < end)
        for (unsigned i = 0; i < 100000; ++i) sink += i * i;
    sink++; /* or the call would be a jump */
}

__attribute__((noinline)) void coroutine(void) {
    work_in_coroutine();
    sink++;
}

int main(int argc, char** argv) {
    if (argc > 1) wait_for_go(argv[1]);
    char* room = mmap(0, STACK + 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (room == MAP_FAILED || mprotect(room + PAGE, STACK, PROT_READ | PROT_WRITE)) return 1;
    if (getcontext(&inside)) return 1;
    inside.uc_stack.ss_sp = room + PAGE;
    inside.uc_stack.ss_size = STACK;
    inside.uc_link = &outside;
    makecontext(&inside, coroutine, 0);
    return swapcontext(&outside, &inside) ? 1 : 0;
}
