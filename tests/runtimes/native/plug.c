/* A library that is loaded and unloaded while the program runs. */
__attribute__((noinline)) int plug(int n) { return n + 1; }
