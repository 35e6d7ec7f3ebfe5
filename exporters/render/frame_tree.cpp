#include "exporters/render/frame_tree.hpp"

#include <algorithm>
#include <functional>
#include <string_view>

namespace autotune::render {

namespace {

// Depth first; with sorted stacks a stack shares a prefix of boxes with the one before it and no other.
std::vector<FrameBox> all_boxes(const Profile& profile, std::size_t max_depth, FrameTree& tree) {
    std::vector<const ProfileStack*> stacks;
    for (const ProfileStack& s : profile.stacks)
        if (s.weight > 0) stacks.push_back(&s);
    std::sort(stacks.begin(), stacks.end(),
              [](const auto* a, const auto* b) { return a->frames < b->frames; });

    std::vector<FrameBox> boxes{{"all", 0, 0, 0, 0}};
    std::vector<std::size_t> open{0};  // path from the root to the newest box
    for (const ProfileStack* stack : stacks) {
        const std::size_t deep = std::min(stack->frames.size(), max_depth);
        if (deep < stack->frames.size()) tree.cut_weight += stack->weight;
        std::size_t shared = 0;
        while (shared < deep && shared + 1 < open.size() &&
               boxes[open[shared + 1]].name == stack->frames[shared])
            ++shared;
        open.resize(shared + 1);
        for (std::size_t i = shared; i < deep; ++i) {
            open.push_back(boxes.size());
            boxes.push_back({stack->frames[i], tree.total, 0, i + 1, 0});
        }
        for (const std::size_t box : open) boxes[box].weight += stack->weight;
        tree.total += stack->weight;
    }
    return boxes;
}

std::uint64_t threshold(const std::vector<FrameBox>& boxes, const FrameTreeLimits& limits) {
    if (boxes.size() <= limits.max_boxes) return limits.min_weight;
    std::vector<std::uint64_t> weights;
    weights.reserve(boxes.size());
    for (const FrameBox& box : boxes) weights.push_back(box.weight);
    const auto last = weights.begin() + static_cast<std::ptrdiff_t>(limits.max_boxes);
    std::nth_element(weights.begin(), last, weights.end(), std::greater<>());
    return std::max(limits.min_weight, *last + 1);
}

}  // namespace

FrameTree frame_tree(const Profile& profile, const FrameTreeLimits& limits) {
    FrameTree tree;
    const std::vector<FrameBox> boxes = all_boxes(profile, limits.max_depth, tree);
    const std::uint64_t least = threshold(boxes, limits);
    tree.frames = boxes.size() - 1;
    for (const FrameBox& box : boxes) {
        const bool drawn = box.depth == 0 || box.weight >= least;
        if (!drawn) {
            ++tree.hidden;
            // Grows the group to its left if that touches it; else starts one. Children of a hidden box lie
            // in its group's shadow: their weight is there already.
            const auto group = std::find_if(tree.boxes.rbegin(), tree.boxes.rend(),
                                            [&](const FrameBox& b) { return b.depth <= box.depth; });
            const bool touches =
                group->depth == box.depth && group->hidden > 0 && group->left + group->weight == box.left;
            if (touches) {
                group->weight += box.weight;
                ++group->hidden;
                continue;
            }
            if (group->depth < box.depth && group->hidden > 0) continue;
            if (group->depth + 1 < box.depth) continue;
        }
        tree.boxes.push_back(box);
        tree.boxes.back().hidden = !drawn;
        tree.depth = std::max(tree.depth, box.depth);
    }
    // A group may still be too narrow to be seen.
    std::erase_if(tree.boxes, [&](const FrameBox& b) { return b.hidden > 0 && b.weight < least; });
    return tree;
}

}  // namespace autotune::render
