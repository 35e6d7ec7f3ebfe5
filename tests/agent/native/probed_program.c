// A program that does one thing with functions that are probed, and says what came out: the tests run it with and
// without probes and compare.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PROBED __attribute__((noinline, noclone))

int watched_number = 7;
char watched_text[16] = "hello";
static jmp_buf back;

PROBED int probed_leaf(int x) {
    __asm__ volatile("" ::: "memory");
    return x + 1;
}
PROBED int probed_add(const char* name, int x) {
    watched_number = x;
    return probed_leaf(x) + (int)strlen(name);
}
PROBED int probed_recursive(int depth) {
    __asm__ volatile("" ::: "memory");
    return depth == 0 ? probed_leaf(0) : 1 + probed_recursive(depth - 1);
}
PROBED void probed_jump(int depth) {
    __asm__ volatile("" ::: "memory");
    if (depth == 0) longjmp(back, 1);
    probed_jump(depth - 1);
    __asm__ volatile("" ::: "memory");
}
PROBED int probed_fork(void) {
    const pid_t child = fork();
    if (child == 0) return probed_leaf(41);
    int status = 0;
    waitpid(child, &status, 0);
    return WEXITSTATUS(status);
}
PROBED void probed_exec(char* self) {
    execl(self, self, "calls", (char*)0);
    _exit(99);
}
PROBED void probed_death(void) {
    __asm__ volatile("" ::: "memory");
    raise(SIGKILL);
}
PROBED void probed_exit(int code) {
    fflush(stdout);
    _exit(code);
}
static long now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000L + t.tv_nsec;
}
PROBED void probed_spin(long ns) {
    const long end = now_ns() + ns;
    while (now_ns() < end) {
    }
}
static void* thread(void* unused) {
    (void)unused;
    long sum = 0;
    for (int i = 0; i < 10; ++i) sum += probed_leaf(i);
    return (void*)sum;
}

static int calls(int rounds) {
    int sum = 0;
    for (int i = 0; i < rounds; ++i) sum += probed_add("name", i);
    return sum;
}

int main(int argc, char** argv) {
    const char* what = argc > 1 ? argv[1] : "calls";
    long result = 0;
    if (!strcmp(what, "calls")) result = calls(100);
    if (!strcmp(what, "many")) result = calls(20000);
    if (!strcmp(what, "recursive")) result = probed_recursive(100);
    if (!strcmp(what, "longjmp"))
        for (volatile int i = 0; i < 50; ++i) {
            if (setjmp(back) == 0) probed_jump(5);
            result += probed_leaf(i);
        }
    if (!strcmp(what, "lengths"))  // of each call: at least, at most
        for (long ns = 1000; ns <= 1000000; ns *= 10) {
            const long begin = now_ns();
            probed_spin(ns);
            printf("%ld %ld\n", ns, now_ns() - begin);
        }
    if (!strcmp(what, "fork")) {
        result = probed_fork();
        if (result == 42 && getppid() != 0) {
            fflush(stdout);
            _exit(42);
        }
    }
    if (!strcmp(what, "exec")) probed_exec(argv[0]);
    if (!strcmp(what, "die")) {
        printf("dying\n");
        fflush(stdout);
        probed_death();
    }
    if (!strcmp(what, "exit")) probed_exit(5);
    if (!strcmp(what, "unload"))
        for (int i = 0; i < 20; ++i) {
            void* library = dlopen(argv[2], RTLD_NOW);
            int (*twice)(int) = library ? (int (*)(int))dlsym(library, "library_twice") : 0;
            if (!twice) return 98;
            result += twice(i);
            dlclose(library);
        }
    if (!strcmp(what, "threads")) {
        enum { kThreads = 1000 };
        static pthread_t all[kThreads];
        pthread_attr_t small;
        pthread_attr_init(&small);
        pthread_attr_setstacksize(&small, 64 << 10);
        for (int i = 0; i < kThreads; ++i)
            if (pthread_create(&all[i], &small, thread, 0)) return 97;
        for (int i = 0; i < kThreads; ++i) {
            void* sum = 0;
            pthread_join(all[i], &sum);
            result += (long)sum;
        }
    }
    printf("%s %ld\n", what, result);
    return (int)(result & 63);
}
