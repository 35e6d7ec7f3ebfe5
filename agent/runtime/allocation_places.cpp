#include "agent/runtime/allocation_places.hpp"

#include <algorithm>
#include <array>
#include <span>

namespace autotune::runtime {

namespace {

constexpr std::size_t kMostFrames = 16'000'000;

}  // namespace

const char* special_name(std::size_t entry) {
    switch (entry) {
        case AT_ALLOCATIONS_ROOT: return "[no Python code]";
        case AT_ALLOCATIONS_WITHOUT_GIL: return "[without the GIL, or in a subinterpreter]";
        case AT_ALLOCATIONS_NO_ROOM: return "[lost: no room for more stacks]";
        default: return nullptr;
    }
}

bool is_below(std::size_t entry, std::uint32_t parent) {
    return entry < AT_ALLOCATIONS_FIRST || parent == AT_ALLOCATIONS_ROOT || (parent < entry && special_name(parent) == nullptr);
}

// What an entry is does not change; only its sums do. A short file gives what it has.
void AllocationPlaces::learn(const RingFile& file, std::uint32_t up_to) {
    std::array<at_ring_allocation, 256> piece{};
    while (entries_.size() <= up_to) {
        const std::size_t at = entries_.size();
        const auto wanted = std::span(piece).first(std::min<std::size_t>(piece.size(), up_to + 1 - at));
        if (!file.read_into(AT_RING_BODIES_AT + at * sizeof(at_ring_allocation), wanted)) return;
        for (std::size_t i = 0; i < wanted.size(); ++i)
            entries_.push_back({.function = wanted[i].function,
                                .parent = wanted[i].parent,
                                .line = wanted[i].line,
                                .is_place = is_below(at + i, wanted[i].parent)});
    }
}

FrameId AllocationPlaces::frame_of(const RingFile& file, Entry& entry, Tables& tables) {
    if (!entry.has_frame) {
        Frame frame = tables.frames[names_.resolve(file, entry.function, tables)];
        frame.kind = FrameKind::python;
        if (entry.line != 0) frame.line = entry.line;
        entry.frame = tables.frames.intern(frame);
        entry.has_frame = true;
    }
    return entry.frame;
}

std::optional<AllocationPlaces::Place> AllocationPlaces::at(const RingFile& file, std::uint32_t entry, Tables& tables) {
    if (entry >= AT_RING_ALLOCATION_ENTRIES) return std::nullopt;
    learn(file, entry);
    if (entry >= entries_.size() || !entries_[entry].is_place) return std::nullopt;
    Entry& leaf = entries_[entry];
    if (leaf.has_stack) return Place{leaf.stack, leaf.cut};
    stack_.clear();
    std::uint32_t above = entry;
    // Each parent is an earlier entry: it ends.
    for (; above >= AT_ALLOCATIONS_FIRST; above = entries_[above].parent) {
        if (!entries_[above].is_place) return std::nullopt;
        stack_.push_back(frame_of(file, entries_[above], tables));
        if (stack_.size() > AT_ALLOCATIONS_DEEPEST) return std::nullopt;
    }
    leaf.cut = above == AT_ALLOCATIONS_CUT;
    const char* special = stack_.empty() ? special_name(entry) : nullptr;
    if (frames_ + stack_.size() > kMostFrames) {
        special = special_name(AT_ALLOCATIONS_NO_ROOM);
        leaf.cut = false;
        stack_.clear();
    }
    if (special != nullptr)
        stack_.push_back(tables.frames.intern({.name = tables.strings.intern(special), .kind = FrameKind::unknown}));
    frames_ += stack_.size();
    leaf.stack = tables.stacks.intern(stack_);
    leaf.has_stack = true;
    return Place{leaf.stack, leaf.cut};
}

}  // namespace autotune::runtime
