// StackBatch: stacks in any order, put into a profile in the order of their frames.
//
// A tree of millions of nodes is in no cache: who walks it anew for every stack waits for memory at every frame. Sorted,
// a stack shares with the one before it all that it shares with any, and only what is new is written, side by side.
// Sorting goes by a few frames at a time, of stacks that were alike so far (multikey, as Bentley & Sedgewick, SODA 1997).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/large_vector.hpp"
#include "core/memory_ahead.hpp"
#include "core/profile_builder.hpp"

namespace autotune::render {

// Not thread-safe. Memory: 4 bytes a frame and 32 a stack until they are put.
class StackBatch {
public:
    // Frames are ids of the builder that they will be put into, root first.
    void add(std::span<const std::uint32_t> frames, std::uint64_t weight);
    // So much is held that it should be put now.
    [[nodiscard]] bool is_full() const;
    [[nodiscard]] bool empty() const { return stacks_.empty(); }
    // All into the builder, for whose nodes memory is made ready; nothing is left.
    void put(ProfileBuilder& builder, MemoryAhead& ahead);
    // Tells how far stacks are written.
    void tell(MemoryAhead& ahead) const;

private:
    struct Stack {
        std::uint64_t weight;
        std::uint32_t at, length;  // in ids_
    };
    struct Place {
        std::uint64_t key;  // the next few frames, the highest bits first; 0 for a frame: the stack is over
        std::uint32_t stack;
    };
    struct Part {  // stacks that are alike in their first `depth` frames
        std::uint32_t begin, end, depth;
    };
    void sort(std::uint32_t frames);

    LargeVector<std::uint32_t> ids_;
    LargeVector<Stack> stacks_;
    LargeVector<Place> order_;
};

}  // namespace autotune::render
