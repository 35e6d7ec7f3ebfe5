// Dies as it is told, or waits to be killed. The test finds lines by their marks.
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static volatile unsigned long turns;

static void ready(void) {
    puts("ready");
    fflush(stdout);
}

__attribute__((noinline)) static void spin(void) {
    ready();
    for (;;) turns = turns * 3 + 1;  // mark: spin
}

__attribute__((noinline)) static int crash(int* nowhere) {
    return *nowhere + (int)turns;  // mark: crash
}

static void wait_to_go_on(void) {
    sigset_t go_on;
    int got;
    sigemptyset(&go_on);
    sigaddset(&go_on, SIGUSR1);
    sigprocmask(SIG_BLOCK, &go_on, NULL);
    ready();
    sigwait(&go_on, &got);
}

// After the first 48 MB it waits for SIGUSR1.
__attribute__((noinline)) static void grow(void) {
    const size_t bytes = (size_t)1 << 30, first = (size_t)48 << 20;
    volatile char* block = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (size_t i = 0; i < first; i += 4096) block[i] = 1;
    wait_to_go_on();
    for (size_t i = 0; i < bytes; i += 4096) block[i] = 1;  // mark: grow
}

static void* wait_for_ever(void* unused) {
    (void)unused;
    for (;;) pause();  // mark: pause
}

// With more on its stack than a box takes of one thread.
static void* wait_deep(void* unused) {
    volatile char deep[40 << 10];
    for (size_t i = 0; i < sizeof deep; i += 64) deep[i] = 1;
    for (;;) pause();
    return unused;
}

static int is_in_pause(const char* thread) {
#ifdef SYS_pause
    const long wanted = SYS_pause;
#else
    const long wanted = SYS_ppoll;
#endif
    char path[64];
    long call = -1;
    snprintf(path, sizeof path, "/proc/self/task/%.20s/syscall", thread);
    FILE* file = fopen(path, "r");
    if (!file) return 0;
    if (fscanf(file, "%ld", &call) != 1) call = -1;  // "running"
    fclose(file);
    return call == wanted;
}

// All threads but this one, the only one whose id is the process's.
static void wait_for_pauses(void) {
    DIR* threads = opendir("/proc/self/task");
    if (!threads) exit(4);
    for (struct dirent* one; (one = readdir(threads));)
        if (atoi(one->d_name) != 0 && atoi(one->d_name) != getpid())
            for (int tries = 0; !is_in_pause(one->d_name); usleep(1000))
                if (++tries == 60000) exit(5);
    closedir(threads);
}

int main(int argc, char** argv) {
    const char* how = argc > 1 ? argv[1] : "";
    if (strcmp(how, "later") == 0) wait_to_go_on();
    if (open("/etc/passwd", O_RDONLY) < 0) return 1;
    for (int i = 0; i < 40; ++i) turns += access(i % 2 ? "/odd" : "/even", R_OK) == 0;
    if (strcmp(how, "threads") == 0) {
        pthread_t thread;
        for (int i = 0; i < 3; ++i) pthread_create(&thread, NULL, wait_for_ever, NULL);
        wait_for_pauses();
        spin();
    }
    if (strcmp(how, "many") == 0) {
        pthread_t thread;
        pthread_attr_t small;
        pthread_attr_init(&small);
        pthread_attr_setstacksize(&small, 128 << 10);
        for (int i = 0; i < 1500; ++i)
            if (pthread_create(&thread, &small, wait_deep, NULL)) return 2;
        wait_for_pauses();
        spin();
    }
    if (strcmp(how, "spin") == 0 || strcmp(how, "later") == 0) spin();
    if (strcmp(how, "crash") == 0) return crash(NULL);
    if (strcmp(how, "grow") == 0) grow();
    if (strcmp(how, "leave") == 0) {  // while others live: they go too, but nobody kills them
        pthread_t thread;
        pthread_create(&thread, NULL, wait_for_ever, NULL);
        wait_for_pauses();
        exit(3);
    }
    return 0;
}
