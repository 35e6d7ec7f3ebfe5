// Functions for the tests of agent/native to find and to probe.
#include <stdint.h>

int watched_number = 7;
char watched_text[16] = "hello";

__attribute__((noinline)) int twice(int x) {
    __asm__ volatile("");
    return 2 * x;
}
__attribute__((noinline)) int chosen(const char* name, int number) {
    __asm__ volatile("" ::: "memory");
    watched_number = number;
    return name[0] + twice(number);
}
int also_chosen(const char* name, int number) __attribute__((alias("chosen")));

static int fast(int x) { return x + 1; }
static int (*resolve(void))(int) { return fast; }
int picked_at_start(int x) __attribute__((ifunc("resolve")));

int main(int argc, char** argv) { return chosen(argv[0], argc) + picked_at_start(argc) == 0; }
