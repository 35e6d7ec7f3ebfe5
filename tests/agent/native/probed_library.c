// A library that is probed and unloaded.
int library_twice(int x) {
    __asm__ volatile("" ::: "memory");
    return 2 * x;
}
