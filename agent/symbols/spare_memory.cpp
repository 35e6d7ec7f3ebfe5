#include "agent/symbols/spare_memory.hpp"

#if defined(__GLIBC__)
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#endif

namespace autotune::symbols {

#if defined(__GLIBC__)

namespace {

constexpr std::uint64_t kMuch = 8u << 20;
constexpr int kRoom = 48 << 20;
constexpr int kUsualRoom = 128 << 10;
constexpr int kLargest = 32 << 20;  // what the C library may still take from its heap
constexpr std::uintptr_t kHugePage = 2u << 20;

}  // namespace

void give_back_memory(std::uint64_t file_bytes) {
    static std::atomic<std::uint64_t> read{0};
    if (read.fetch_add(file_bytes) + file_bytes < kMuch) return;
    read = 0;
    malloc_trim(0);
}

void expect_large_files() {
    // Else each large block is a mapping of its own, with fresh pages.
    mallopt(M_MMAP_THRESHOLD, kLargest);
    mallopt(M_TRIM_THRESHOLD, 2 * kRoom);  // more than there is: nothing is given back but when asked
    mallopt(M_TOP_PAD, kRoom);
    void* first = std::malloc(1 << 20);  // makes the heap grow by that room
    mallopt(M_TOP_PAD, kUsualRoom);
    const auto begin = (reinterpret_cast<std::uintptr_t>(first) + kHugePage - 1) & ~(kHugePage - 1);
    const auto end = reinterpret_cast<std::uintptr_t>(sbrk(0));
    // Where the room is not at the heap's end, or there are no huge pages, small ones do.
    if (first != nullptr && begin < end && end - begin <= std::uintptr_t{kRoom} + kHugePage)
        (void)madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);
    std::free(first);
}

#else

void give_back_memory(std::uint64_t) {}
void expect_large_files() {}

#endif

}  // namespace autotune::symbols
