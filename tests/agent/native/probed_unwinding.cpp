// Ends of threads and jumps that pass probed functions, and what has to happen on their way: each in a program that
// says what came out, to be compared with and without probes.
#include <pthread.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <stdexcept>

#define PROBED __attribute__((noinline, noclone))

static int undone;  // destructors that ran
struct Guard {
    ~Guard() { ++undone; }
};

PROBED void probed_leave(int depth) {
    Guard guard;
    if (depth == 0) pthread_exit(nullptr);
    probed_leave(depth - 1);
    asm volatile("" ::: "memory");
}
static void* leaves(void*) {
    probed_leave(3);
    return nullptr;
}
PROBED void probed_wait(int depth) {
    Guard guard;
    if (depth == 0)
        for (;;) pause();
    probed_wait(depth - 1);
    asm volatile("" ::: "memory");
}
static void* waits(void* ready) {
    pthread_barrier_wait(static_cast<pthread_barrier_t*>(ready));
    probed_wait(3);
    return nullptr;
}

// An exception through qsort of the C library.
extern "C" PROBED int probed_compare(const void* a, const void* b) {
    const int x = *static_cast<const int*>(a), y = *static_cast<const int*>(b);
    if (x == 13 || y == 13) throw std::runtime_error("unlucky");
    return x - y;
}
PROBED int probed_sort() {
    int numbers[] = {5, 3, 13, 1};
    try {
        qsort(numbers, 4, sizeof numbers[0], probed_compare);
    } catch (const std::exception&) {
        return 1;
    }
    return 0;
}

static ucontext_t home, there;
PROBED int probed_step(int x) {
    swapcontext(&there, &home);
    asm volatile("" ::: "memory");
    return x + 1;
}
static int steps;
static void coroutine() {
    for (int i = 0; i < 20; ++i) steps += probed_step(i);
}
PROBED int probed_resume(int x) {
    swapcontext(&home, &there);
    asm volatile("" ::: "memory");
    return x + 1;
}

static jmp_buf back;
PROBED int probed_try(int x) {
    volatile int tries = 0;
    if (setjmp(back) < 3) longjmp(back, ++tries);
    return tries + x;
}

int main(int argc, char** argv) {
    const char* what = argc > 1 ? argv[1] : "";
    long result = 0;
    if (!std::strcmp(what, "pthread_exit"))
        for (int i = 0; i < 10; ++i) {
            pthread_t thread;
            pthread_create(&thread, nullptr, leaves, nullptr);
            pthread_join(thread, nullptr);
        }
    if (!std::strcmp(what, "cancel")) {
        pthread_barrier_t ready;
        pthread_barrier_init(&ready, nullptr, 2);
        pthread_t thread;
        pthread_create(&thread, nullptr, waits, &ready);
        pthread_barrier_wait(&ready);
        pthread_cancel(thread);
        void* end = nullptr;
        pthread_join(thread, &end);
        result = end == PTHREAD_CANCELED;
    }
    if (!std::strcmp(what, "sort"))
        for (int i = 0; i < 10; ++i) result += probed_sort();
    if (!std::strcmp(what, "coroutine")) {
        static char stack[64 << 10];
        getcontext(&there);
        there.uc_stack.ss_sp = stack;
        there.uc_stack.ss_size = sizeof stack;
        there.uc_link = &home;
        makecontext(&there, coroutine, 0);
        for (int i = 0; i < 20; ++i) result += probed_resume(i);
    }
    if (!std::strcmp(what, "setjmp"))
        for (int i = 0; i < 10; ++i) result += probed_try(i);
    if (!std::strcmp(what, "spawn"))
        for (int i = 0; i < 5; ++i) {
            const pid_t child = vfork();
            if (child == 0) {
                execl("/bin/true", "true", static_cast<char*>(nullptr));
                _exit(9);
            }
            int status = -1;
            waitpid(child, &status, 0);
            result += status == 0;
            execl("/no/such/program", "no", static_cast<char*>(nullptr));
        }
    std::printf("%s %ld, %d undone, %d steps\n", what, result, undone, steps);
    std::fflush(stdout);
    exit(static_cast<int>(result & 63));
}
