// Exceptions that pass probed functions.
#include <cstdio>
#include <stdexcept>

#define PROBED __attribute__((noinline, noclone))

PROBED int probed_throw(int depth) {
    asm volatile("" ::: "memory");
    if (depth == 0) throw std::runtime_error("far");
    const int result = probed_throw(depth - 1);
    asm volatile("" ::: "memory");
    return result + 1;
}
PROBED int probed_catch(int depth) {
    try {
        return probed_throw(depth);
    } catch (const std::exception&) {
        return 1;
    }
}
int main() {
    int caught = 0;
    for (int i = 0; i < 20; ++i) caught += probed_catch(i % 4);
    std::printf("caught %d\n", caught);
    return caught;
}
