// MemoryAhead: memory is made ready by another thread, shortly before its owner writes there.
//
// The first touch of a page waits for the kernel to clear it, and in a virtual machine for the host too: a third of the time
// in which millions of nodes are written. Needs a second CPU to be of use, and Linux 5.14 (MADV_POPULATE_WRITE), and a
// thread; else it does nothing.
#pragma once

#include <cstddef>
#include <memory>

#include "core/large_vector.hpp"

namespace autotune {

// One owner. What it makes ready too much is bounded by kAhead a vector. Memory that its owner gave back meanwhile is not harmed:
// contents never change. The thread, which starts once there is work, ends with this.
class MemoryAhead {
public:
    static constexpr std::size_t kAhead = std::size_t{16} << 20;

    MemoryAhead();
    ~MemoryAhead();

    // The owner has written up to `at`, in memory that goes on to `end`. Cheap where nothing is to be done; to be told every
    // few MB at least.
    void wrote(const void* at, const void* end);
    // Of a vector, once it holds a few MB: what stays small costs no memory.
    template <class T>
    void wrote(const LargeVector<T>& to) {
        if (to.size() * sizeof(T) >= kAhead / 4) wrote(to.data() + to.size(), to.data() + to.capacity());
    }

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace autotune
