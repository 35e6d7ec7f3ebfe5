#include "core/large_vector.hpp"

#include <sys/mman.h>

#include <cstdlib>
#include <limits>
#include <new>

namespace autotune {

namespace {
constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr std::size_t kLarge = 2 * kHugePage;
}  // namespace

void* allocate_large(std::size_t bytes) {
    if (bytes < kLarge) return ::operator new(bytes);
    if (bytes > std::numeric_limits<std::size_t>::max() - kHugePage) throw std::bad_alloc();
    const std::size_t whole = (bytes + kHugePage - 1) / kHugePage * kHugePage;
    void* memory = std::aligned_alloc(kHugePage, whole);
    if (memory == nullptr) throw std::bad_alloc();
#if defined(MADV_HUGEPAGE)
    (void)madvise(memory, whole, MADV_HUGEPAGE);  // a wish
#endif
    return memory;
}

void give_back_large(void* memory, std::size_t bytes) noexcept {
    if (bytes < kLarge)
        ::operator delete(memory);
    else
        std::free(memory);
}

}  // namespace autotune
