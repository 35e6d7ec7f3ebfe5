// NAME computes for 100 ms of CPU. Built twice, with names of one length: both libraries are laid out alike.
#include <time.h>

static volatile unsigned sink;

void NAME(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    const long long until = t.tv_sec * 1000000000ll + t.tv_nsec + 100000000;
    do {
        for (unsigned i = 0; i < 20000; ++i) sink += i * i;
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    } while (t.tv_sec * 1000000000ll + t.tv_nsec < until);
}
