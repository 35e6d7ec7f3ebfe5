/* When the file argv[1] is there: takes memory in known ways, and prints by how many bytes its anonymous memory grew in
 * each: a function's name and a number a line. Built with frame pointers. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define KEPT __attribute__((noinline))
#define MB (1l << 20)

static volatile int kept;

static long anonymous_bytes(void) {
    static char text[8192]; /* no memory is taken to ask for it */
    const int fd = open("/proc/self/smaps_rollup", O_RDONLY);
    const long got = read(fd, text, sizeof text - 1);
    close(fd);
    text[got > 0 ? got : 0] = 0;
    const char* at = strstr(text, "\nAnonymous:");
    if (!at) abort();
    return atol(at + 11) * 1024;
}

static char* map(long bytes, int more) {
    char* memory = mmap(0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | more, -1, 0);
    if (memory == MAP_FAILED) abort();
    return memory;
}

KEPT void wait_for_go(const char* file) { /* seen to take memory meanwhile */
    const struct timespec t = {0, 1000000};
    while (access(file, F_OK)) {
        char* page = map(4096, 0);
        *page = 1;
        munmap(page, 4096);
        nanosleep(&t, 0);
    }
    kept++;
}
KEPT void touch_each_page(void) {
    volatile char* memory = map(24 * MB, 0);
    for (long i = 0; i < 24 * MB; i += 4096) memory[i] = 1;
    kept++;
}
KEPT void touch_huge_pages(void) { /* where there are any */
    char* memory = map(16 * MB, 0);
    madvise(memory, 16 * MB, MADV_HUGEPAGE);
    for (long i = 0; i < 16 * MB; i += 4096) ((volatile char*)memory)[i] = 1;
    kept++;
}
KEPT void let_the_kernel_write(void) {
    char* memory = map(8 * MB, 0);
    const int fd = open("/dev/zero", O_RDONLY);
    if (read(fd, memory, 8 * MB) != 8 * MB) abort();
    close(fd);
    kept++;
}
KEPT void map_at_once(void) {
    map(8 * MB, MAP_POPULATE);
    kept++;
}
KEPT void only_read(void) { /* one page of zeros serves all */
    volatile char* memory = map(8 * MB, 0);
    for (long i = 0; i < 8 * MB; i += 4096) kept += memory[i];
}
KEPT void grow_the_heap(void) {
    char* memory = sbrk(4 * MB);
    memset(memory, 1, 4 * MB);
    kept++;
}
KEPT void read_a_file(const char* path) { /* page cache, not memory of ours */
    const int fd = open(path, O_RDONLY);
    volatile char* memory = mmap(0, 4 * MB, PROT_READ, MAP_PRIVATE, fd, 0);
    if (memory == MAP_FAILED) abort();
    for (long i = 0; i < 4 * MB; i += 4096) kept += memory[i];
    close(fd);
}
KEPT void write_a_file(const char* path) {
    static char block[1 << 16];
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    for (long i = 0; i < 4 * MB; i += sizeof block)
        if (write(fd, block, sizeof block) != sizeof block) abort();
    close(fd);
    kept++;
}

int main(int argc, char** argv) {
    if (argc < 3) return 2;
    wait_for_go(argv[1]);
    const char* file = argv[2];
    write_a_file(file); /* first, to have something to read */
    long before = anonymous_bytes();
#define TELL(function, ...)                                    \
    function(__VA_ARGS__);                                     \
    printf(#function " %ld\n", anonymous_bytes() - before);    \
    before = anonymous_bytes();
    TELL(touch_each_page)
    TELL(touch_huge_pages)
    TELL(let_the_kernel_write)
    TELL(map_at_once)
    TELL(only_read)
    TELL(grow_the_heap)
    TELL(read_a_file, file)
    TELL(write_a_file, file)
    return 0;
}
