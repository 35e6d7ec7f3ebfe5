// Calls a function that does nothing, built for being traced or not; prints the ns a call took: the median of short batches,
// most of which nobody interrupts, also on a busy machine. argv[1]: milliseconds of sleep after each (0: all at once).
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define UNSEEN __attribute__((no_instrument_function, patchable_function_entry(0, 0)))

__attribute__((noinline, noclone)) int worker_function(int x) {
    __asm__ volatile("" ::: "memory");
    return x;
}

UNSEEN static double now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

UNSEEN static int order(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

UNSEEN int main(int argc, char **argv) {
    const unsigned pause_us = argc > 1 ? 1000u * (unsigned)atoi(argv[1]) : 0;
    enum { kBatches = 51, kCalls = 10000 };  // a ring holds all of them, should the reader be late
    double ns[kBatches];
    for (int batch = 0; batch < kBatches; ++batch) {
        const double begin = now_ns();
        for (int i = 0; i < kCalls; ++i) worker_function(i);
        ns[batch] = (now_ns() - begin) / kCalls;
        if (pause_us > 0) usleep(pause_us);
    }
    qsort(ns, kBatches, sizeof ns[0], order);
    printf("%f\n", ns[kBatches / 2]);
    return 0;
}
