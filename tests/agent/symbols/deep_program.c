/* When the file argv[1] is there: calls itself 10,000 deep and burns half a second of CPU there. Without frame pointers. */
#include <time.h>

#include "wait_for_go.h"

static volatile unsigned sink;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

__attribute__((noinline)) void down(unsigned n) {
    if (n != 0) {
        down(n - 1);
    } else {
        const double end = now() + 0.5;
        while (now() < end)
            for (unsigned i = 0; i < 200000; ++i) sink += i * i;
    }
    sink++; /* or the calls would be jumps */
}

int main(int argc, char** argv) {
    if (argc > 1) wait_for_go(argv[1]);
    down(10000);
    return 0;
}
