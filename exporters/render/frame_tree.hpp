// FrameTree: a profile's call tree by function name, laid out as a flame graph shows it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/profile.hpp"

namespace autotune::render {

// One box. Children of a node follow each other by name; `left` is the weight to the left of the box.
struct FrameBox {
    std::string name;
    std::uint64_t left = 0;
    std::uint64_t weight = 0;
    std::size_t depth = 0;     // the root is 0
    std::size_t hidden = 0;    // > 0: stands for so many neighbours that are too narrow to be drawn
    std::uint64_t before = 0;  // what its weight was, in a comparison
    FrameKind kind = FrameKind::unknown;
};

struct FrameTreeLimits {
    std::uint64_t min_weight = 1;
    std::size_t max_boxes = 20'000;
    std::size_t max_depth = 256;
};

struct FrameTree {
    std::vector<FrameBox> boxes;  // parents before children; the first is "all"
    std::uint64_t total = 0;
    std::uint64_t total_before = 0;  // of a comparison
    std::size_t depth = 0;           // of the deepest box
    std::size_t frames = 0;          // there were, drawn or not
    std::size_t hidden = 0;          // not drawn by themselves
    std::uint64_t cut_weight = 0;    // of stacks deeper than max_depth
};

[[nodiscard]] FrameTree frame_tree(const Profile& profile, const FrameTreeLimits& limits);

}  // namespace autotune::render
