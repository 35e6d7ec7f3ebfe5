// What the C library keeps of memory that was freed. Reading a large program takes several times what is kept of it.
#pragma once

#include <cstddef>
#include <cstdint>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace autotune::symbols {

// To be called when something of a file of so many bytes was read and let go. Gives freed memory back when it is much:
// it costs some milliseconds.
inline void give_back_memory([[maybe_unused]] std::uint64_t file_bytes) {
#if defined(__GLIBC__)
    constexpr std::uint64_t kMuch = 2u << 20;
    if (file_bytes >= kMuch) malloc_trim(0);
#endif
}

}  // namespace autotune::symbols
