/* Burns CPU for argv[1] milliseconds, about 70 % of it in large_share and 30 % in small_share, and prints
 * what it measured itself: two numbers of seconds. Built with frame pointers. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static volatile unsigned sink;

__attribute__((noinline)) void spin(double seconds) {
    const double end = now() + seconds;
    while (now() < end)  /* asked rarely: the C library has no frame pointers, stacks that end in it are cut */
        for (unsigned i = 0; i < 200000; ++i) sink += i * i;
}

__attribute__((noinline)) void large_share(double seconds) {
    spin(seconds);
    sink++;
}

__attribute__((noinline)) void small_share(double seconds) {
    spin(seconds);
    sink++;
}

int main(int argc, char** argv) {
    const double total = argc > 1 ? atof(argv[1]) / 1000 : 0.1;
    double spent[2] = {0, 0};
    for (int i = 0; i < 10; ++i) {
        double begin = now();
        large_share(total * 0.07);
        spent[0] += now() - begin;
        begin = now();
        small_share(total * 0.03);
        spent[1] += now() - begin;
    }
    printf("%.6f %.6f\n", spent[0], spent[1]);
    return 0;
}
