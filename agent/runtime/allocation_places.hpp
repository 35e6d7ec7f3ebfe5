// AllocationPlaces: the entries of a tree of allocations (AT_RING_ALLOCATIONS in runtimes/ring.h) as stacks of frames with
// lines, read as they are asked for.
//
// A file is foreign: what cannot be is no place, and memory is bounded. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "agent/runtime/function_names.hpp"
#include "agent/runtime/ring_file.hpp"
#include "core/ids.hpp"
#include "core/tables.hpp"

namespace autotune::runtime {

inline constexpr std::uint64_t kMostAllocated = 1ull << 50;  // bytes: more than that nobody has handed out at one place

// A frame in brackets for what is no place of Python code; null for what is one, or leads to one.
[[nodiscard]] const char* special_name(std::size_t entry);
// Can an entry have that parent?
[[nodiscard]] bool is_below(std::size_t entry, std::uint32_t parent);

class AllocationPlaces {
public:
    struct Place {
        StackId stack{};
        bool cut = false;  // it was too deep: the outermost frames are not there
    };

    explicit AllocationPlaces(symbols::Symbolizer& symbolizer) : names_({}, symbolizer) {}

    // Nothing for what is no entry. A process's stacks have 16 million frames at most; later ones are said to be lost.
    // REQUIRES: the same file and tables each time; the file was refresh()ed after the entry was made.
    [[nodiscard]] std::optional<Place> at(const RingFile& file, std::uint32_t entry, Tables& tables);

private:
    struct Entry {
        std::uint64_t function = 0;
        std::uint32_t parent = 0;
        std::uint32_t line = 0;
        FrameId frame{};
        StackId stack{};
        bool is_place = false, has_frame = false, has_stack = false, cut = false;
    };
    void learn(const RingFile& file, std::uint32_t up_to);
    [[nodiscard]] FrameId frame_of(const RingFile& file, Entry& entry, Tables& tables);

    FunctionNames names_;
    std::vector<Entry> entries_;
    std::vector<FrameId> stack_;
    std::size_t frames_ = 0;  // of all stacks
};

}  // namespace autotune::runtime
