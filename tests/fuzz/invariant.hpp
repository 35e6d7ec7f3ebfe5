// What must hold whatever the input is. A fuzzer ends where it does not: libFuzzer keeps the input.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace autotune::fuzz {

inline void require(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "does not hold: %s\n", what);
    std::abort();
}

}  // namespace autotune::fuzz
