// AllocationTree: what CPython's allocators handed out, by Python stack with lines, read from the files that the library of
// probes writes (AT_RING_ALLOCATIONS in runtimes/ring.h); the sums of several processes are added up.
//
// A file is foreign: whatever is in it, reading it ends and its memory is bounded; what cannot be true is left out and
// counted. One thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "agent/runtime/function_names.hpp"
#include "agent/runtime/ring_file.hpp"
#include "agent/symbols/symbolizer.hpp"
#include "core/profile_builder.hpp"
#include "core/tables.hpp"

namespace autotune::runtime {

enum class AllocationView : std::uint8_t {
    handed_out,  // every block, and what blocks grew by: frees are not subtracted
    held,        // of blocks that have not been given back: their size as it is, at the stack that last made or resized them
};

// Sums over all files. Bytes, unless it says otherwise.
struct AllocationCounts {
    std::uint64_t blocks = 0;       // calls of an allocator that handed out or resized a block
    std::uint64_t no_room = 0;      // handed out at stacks that found no room; a frame in brackets
    std::uint64_t without_gil = 0;  // handed out to threads without the GIL and in subinterpreters; a frame in brackets
    std::uint64_t blocks_lost = 0;  // blocks whose size could not be remembered
    std::uint64_t names_lost = 0;   // functions, shown as unknown
    std::uint64_t damaged = 0;      // entries that cannot be
};

class AllocationTree {
public:
    explicit AllocationTree(AllocationView view) : view_(view) {}

    // A process's sums, once, as they are in the file now. REQUIRES: refresh()ed.
    void add(const RingFile& file);

    [[nodiscard]] const AllocationCounts& counts() const { return counts_; }

    // In bytes; stacks that were too deep stand below kTruncatedFrame.
    [[nodiscard]] Profile take(std::string title) &&;

private:
    [[nodiscard]] std::uint64_t weight_of(const at_ring_allocation& entry) const;
    [[nodiscard]] std::uint32_t frame_of(const RingFile& file, FunctionNames& names, const at_ring_allocation& entry);
    void check(std::span<at_ring_allocation> entries);

    AllocationView view_;
    AllocationCounts counts_;
    symbols::Symbolizer symbolizer_;
    Tables tables_;
    ProfileBuilder builder_;
    std::uint64_t cut_ = 0;  // weight
};

}  // namespace autotune::runtime
