/* Compiled with DWARF of several versions: seeds for what reads it. */
static volatile unsigned sink;
static inline __attribute__((always_inline)) void inner(unsigned n) {
    for (unsigned i = 0; i < n; ++i) sink = sink * 31 + i;
}
static inline __attribute__((always_inline)) void middle(unsigned n) {
    inner(n + 1);
    sink = sink ^ 5;
}
__attribute__((noinline)) unsigned outer(unsigned n) {
    middle(n);
    return sink;
}
__attribute__((noinline)) unsigned other(unsigned n) { return outer(n) + outer(n + 1); }
