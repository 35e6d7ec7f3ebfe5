// Calls a function, built for CET, that does nothing; writes the ns a call took into the file it is given.
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

__attribute__((noinline, noclone)) int worker_function(int x) {
    __asm__ volatile("" ::: "memory", "rbx");  // saved by a push, as functions do that do something
    return x;
}

int main(int argc, char** argv) {
    enum { kCalls = 20000 };
    if (argc < 2) return 2;
    struct timespec begin, end;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (int i = 0; i < kCalls; ++i) worker_function(i);
    clock_gettime(CLOCK_MONOTONIC, &end);
    FILE* file = fopen(argv[1], "w");
    if (!file) return 1;
    fprintf(file, "%f\n", ((end.tv_sec - begin.tv_sec) * 1e9 + (end.tv_nsec - begin.tv_nsec)) / kCalls);
    return fclose(file) != 0;
}
