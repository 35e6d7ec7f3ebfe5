// Does what a benchmark of native calls asks for, and writes into the file it is given the ns a call took:
//     FILE cet|push|nop     a function that does nothing, called often
//     FILE lengths COUNT    a function that takes 1 µs, 10 µs, 100 µs, 1 ms, each so often; a line for each length
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

__attribute__((noinline, noclone)) int worker_cet(int x) {
    __asm__ volatile("" ::: "memory", "rbx");  // saved by a push, as functions do that do something
    return x;
}

// Not built for CET: begin with a push, and with what -fpatchable-function-entry=5 leaves.
int worker_push(int x);
int worker_nop(int x);
__asm__(".text\n.globl worker_push\n.type worker_push,@function\nworker_push: push %rbx\nmov %edi,%eax\npop %rbx\nret\n"
        ".size worker_push,.-worker_push\n"
        ".p2align 4\n.globl worker_nop\n.type worker_nop,@function\n"
        "worker_nop: .byte 0x0f,0x1f,0x44,0,0\nmov %edi,%eax\nret\n.size worker_nop,.-worker_nop\n");

static double now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

__attribute__((noinline, noclone)) void worker_spin(double ns) {
    const double end = now_ns() + ns;
    while (now_ns() < end) {
    }
}

static int by_size(const void* a, const void* b) {
    const double x = *(const double*)a, y = *(const double*)b;
    return (x > y) - (x < y);
}

// Of `count` calls the median, without the clock's own time; 0: of no call at all.
static double median_length(double ns, int count, double* took, double clock_ns) {
    for (int i = 0; i < count; ++i) {
        const double begin = now_ns();
        if (ns > 0) worker_spin(ns);
        took[i] = now_ns() - begin;
    }
    qsort(took, (size_t)count, sizeof *took, by_size);
    return took[count / 2] - clock_ns;
}

static void lengths(FILE* file, int count) {
    double* took = malloc((size_t)count * sizeof *took);
    if (!took) exit(1);
    const double clock_ns = median_length(0, count, took, 0);
    for (double ns = 1e3; ns <= 1e6; ns *= 10) fprintf(file, "%f\n", median_length(ns, count, took, clock_ns));
    free(took);
}

int main(int argc, char** argv) {
    enum { kCalls = 20000 };
    if (argc < 3) return 2;
    FILE* file = fopen(argv[1], "w");
    if (!file) return 1;
    if (!strcmp(argv[2], "lengths")) {
        lengths(file, argc > 3 ? atoi(argv[3]) : 1);
        return fclose(file) != 0;
    }
    int (*const function)(int) = !strcmp(argv[2], "push") ? worker_push : !strcmp(argv[2], "nop") ? worker_nop : worker_cet;
    const double begin = now_ns();
    for (int i = 0; i < kCalls; ++i) function(i);
    fprintf(file, "%f\n", (now_ns() - begin) / kCalls);
    return fclose(file) != 0;
}
