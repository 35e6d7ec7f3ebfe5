// Functions inlined into each other, with their lines; no debugger's tricks, only -O2 -g.
#include <cstdio>

namespace work {

volatile unsigned sink;

inline __attribute__((always_inline)) void innermost(unsigned n) {
    for (unsigned i = 0; i < n; ++i) sink = sink * 31 + i;  // line: innermost
}
inline __attribute__((always_inline)) void middle(unsigned n) {
    innermost(n + 1);  // line: middle
    sink = sink ^ 5;
}

}  // namespace work

extern "C" __attribute__((noinline)) unsigned outer(unsigned n) {
    work::middle(n);  // line: outer
    return work::sink;
}

int main(int argc, char**) { std::printf("%u\n", outer(static_cast<unsigned>(argc) * 1000)); }
