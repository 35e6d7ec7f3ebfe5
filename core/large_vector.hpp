// LargeVector: a vector whose memory comes in huge pages once it is large.
//
// Millions of small elements that are written once, or looked up in no order, wait for page faults and for the walk to a
// page's address more than for anything else, most of all in virtual machines. Where the system has no huge pages, or
// does not give them on request (/sys/kernel/mm/transparent_hugepage/enabled), it is a vector like any other.
#pragma once

#include <cstddef>
#include <vector>

namespace autotune {

// At least as aligned as any type needs. Throws std::bad_alloc. REQUIRES of give_back: what was allocated, of that size.
[[nodiscard]] void* allocate_large(std::size_t bytes);
void give_back_large(void* memory, std::size_t bytes) noexcept;

template <class T>
struct HugePages {
    using value_type = T;
    HugePages() = default;
    template <class U>
    HugePages(const HugePages<U>&) noexcept {}
    [[nodiscard]] T* allocate(std::size_t n) { return static_cast<T*>(allocate_large(n * sizeof(T))); }
    void deallocate(T* memory, std::size_t n) noexcept { give_back_large(memory, n * sizeof(T)); }
    template <class U>
    bool operator==(const HugePages<U>&) const noexcept {
        return true;
    }
};

template <class T>
using LargeVector = std::vector<T, HugePages<T>>;

}  // namespace autotune
