// Burns CPU for argv[1] milliseconds of each kind, all below main: in a comparison that libc's qsort calls
// back, in libstdc++'s regular expressions, in a function that aligns its stack, and in a signal's handler. First it waits
// for the file argv[2]; where that is "stop" it does not, but stops itself once, in the first of them, after 150 ms of CPU in all.
// Built with -O2 and without frame pointers; the libraries are Debian's, stripped.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <numeric>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

#include "wait_for_go.h"

namespace {

double now() {
    timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
}

volatile unsigned sink;
double burn_until;
bool stops;

}  // namespace

#define KEPT extern "C" __attribute__((noinline, noclone, visibility("default")))

KEPT void spin_here(unsigned turns) {
    for (unsigned i = 0; i < turns; ++i) sink = sink + i * i;
}
KEPT int compare_slowly(const void* a, const void* b) {
    spin_here(2'000);
    const int x = *static_cast<const int*>(a), y = *static_cast<const int*>(b);
    return (x > y) - (x < y);
}
KEPT void sort_in_libc(double until) {
    while (now() < until) {
        std::vector<int> numbers(256);
        for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<int>(i * 7919 % 1009);
        qsort(numbers.data(), numbers.size(), sizeof(int), compare_slowly);
        if (stops && now() >= 0.15) {
            stops = false;
            std::raise(SIGSTOP);
        }
        sink = sink + static_cast<unsigned>(numbers[7]);
    }
}
KEPT void match_in_libstdcxx(double until) {
    const std::regex pattern("(a|b)*c(d|e)*f");
    const std::string text(100, 'a');
    while (now() < until) sink = sink + (std::regex_search(text, pattern) ? 1u : 0u);
}
KEPT void aligned_work(double until) {
    alignas(64) volatile double block[64] = {};
    while (now() < until)
        for (int turn = 0; turn < 20'000; ++turn) block[turn % 64] = block[turn % 64] + turn;
    sink = sink + static_cast<unsigned>(block[3]);
}
KEPT void on_signal(int) {
    while (now() < burn_until) spin_here(20'000);
}
KEPT int down(int depth, double until) {
    if (depth == 0) {
        while (now() < until) spin_here(20'000);
        return 1;
    }
    const int below = down(depth - 1, until);
    sink = sink + static_cast<unsigned>(below);  // no tail call
    return below + 1;
}

int main(int argc, char** argv) {
    const double share = argc > 1 ? std::atof(argv[1]) / 1000 : 0.1;
    stops = argc > 2 && std::string_view(argv[2]) == "stop";
    if (argc > 2 && !stops) wait_for_go(argv[2]);
    sort_in_libc(now() + share);
    match_in_libstdcxx(now() + share);
    aligned_work(now() + share);
    std::signal(SIGUSR1, on_signal);
    burn_until = now() + share;
    raise(SIGUSR1);
    down(300, now() + share);
    std::puts("done");
    return 0;
}
