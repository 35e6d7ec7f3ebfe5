/* A library that is loaded and unloaded while the program runs; it has a life before it is called. */
static volatile int unfolded;
__attribute__((noinline, constructor)) static void unfold(void) { unfolded = 1; }
__attribute__((noinline)) int plug(int n) { return n + unfolded; }
