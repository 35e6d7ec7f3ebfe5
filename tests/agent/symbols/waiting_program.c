/* When the file argv[2] is there: threads that wait in known ways for argv[1] milliseconds: two that sleep, two that hand a token to and fro, two that
 * want one CPU. Each prints at its end: its id, what it is, when it began and ended (CLOCK_MONOTONIC), how long it ran in
 * between (by its CPU clock), how long it was in rest_long, and how long before it began it was made at the
 * earliest, all in ns. Built with frame pointers. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define KEPT __attribute__((noinline))

static long long milliseconds;
static int to[2], fro[2];
static volatile unsigned sink;

static long long now(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec * 1000000000ll + t.tv_nsec;
}

static volatile int depth_sink;
KEPT void rest_briefly(void) {
    const struct timespec t = {0, 10000000};
    nanosleep(&t, 0);
    depth_sink++;
}
KEPT void rest_long(void) {
    const struct timespec t = {0, 40000000};
    nanosleep(&t, 0);
    depth_sink++;
}
KEPT long long sleeper(long long end) {
    long long in_long = 0;
    while (now(CLOCK_MONOTONIC) < end) {
        rest_briefly();
        const long long before = now(CLOCK_MONOTONIC);
        rest_long();
        in_long += now(CLOCK_MONOTONIC) - before;
    }
    return in_long;
}
KEPT void hand_over(int from, int into, long long end) {
    char token = 0;
    while (now(CLOCK_MONOTONIC) < end)
        if (read(from, &token, 1) != 1 || write(into, &token, 1) != 1) break;
    close(into);
    depth_sink++;
}
KEPT void contender(long long end) {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(0, &one);
    sched_setaffinity(0, sizeof one, &one);
    while (now(CLOCK_MONOTONIC) < end)
        for (unsigned i = 0; i < 10000; ++i) sink += i;
    depth_sink++;
}

KEPT void wait_for_go(const char* file) {
    const struct timespec t = {0, 1000000};
    while (access(file, F_OK)) nanosleep(&t, 0);
    depth_sink++;
}

struct role {
    const char* what;
    long long made;
};

static void* run(void* argument) {
    const struct role* role = argument;
    const char* what = role->what;
    long long in_long = 0;
    /* its CPU clock outside: what it waits between the two is in neither sum */
    const long long ran_before = now(CLOCK_THREAD_CPUTIME_ID);
    const long long start = now(CLOCK_MONOTONIC), end = start + milliseconds * 1000000;
    if (!strcmp(what, "sleeper")) in_long = sleeper(end);
    if (!strcmp(what, "ping")) hand_over(to[0], fro[1], end);
    if (!strcmp(what, "pong")) hand_over(fro[0], to[1], end);
    if (!strcmp(what, "contender")) contender(end);
    const long long ended = now(CLOCK_MONOTONIC);
    const long long did_run = now(CLOCK_THREAD_CPUTIME_ID) - ran_before;
    printf("%ld %s %lld %lld %lld %lld %lld\n", syscall(SYS_gettid), what, start, ended, did_run, in_long, start - role->made);
    return 0;
}

int main(int argc, char** argv) {
    milliseconds = argc > 1 ? atoi(argv[1]) : 500;
    if (argc > 2) wait_for_go(argv[2]);
    struct role roles[] = {{"sleeper", 0}, {"sleeper", 0}, {"ping", 0}, {"pong", 0}, {"contender", 0}, {"contender", 0}};
    pthread_t threads[6];
    if (pipe(to) || pipe(fro) || write(to[1], "x", 1) != 1) return 1;
    for (int i = 0; i < 6; ++i) {
        roles[i].made = now(CLOCK_MONOTONIC);
        pthread_create(&threads[i], 0, run, &roles[i]);
    }
    for (int i = 0; i < 6; ++i) pthread_join(threads[i], 0);
    return 0;
}
