#include "exporters/render/frame_tree.hpp"

#include <algorithm>
#include <iterator>

#include "exporters/render/by_name.hpp"
#include "exporters/render/children.hpp"
#include "exporters/render/heaviest.hpp"

namespace autotune::render {

namespace {

class Layout {
public:
    Layout(const Profile& named, const FrameTreeLimits& limits)
        : profile_(named),
          limits_(limits),
          weights_(subtree_weights(named)),
          before_(subtree_weights_before(named)),
          least_(look_at_depth()),
          children_(named, [this](std::uint32_t node) { return weights_[node] >= least_; }) {}

    FrameTree run() {
        tree_.total = weights_[0];
        if (!before_.empty()) tree_.total_before = before_[0];
        // Depth first without recursion: a program's recursion is not ours.
        std::vector<Visit> open{{{"all", 0, weights_[0], 0, 0, tree_.total_before, FrameKind::unknown}, 0}};
        while (!open.empty()) {
            const Visit at = std::move(open.back());
            open.pop_back();
            tree_.boxes.push_back(at.box);
            tree_.depth = std::max(tree_.depth, at.box.depth);
            if (at.box.hidden > 0) continue;
            ++drawn_;
            if (at.box.depth == limits_.max_depth) continue;
            std::vector<Visit> children = children_of(at);
            open.insert(open.end(), std::make_move_iterator(children.rbegin()),
                        std::make_move_iterator(children.rend()));
        }
        tree_.hidden = tree_.frames - (drawn_ - 1);
        return std::move(tree_);
    }

private:
    struct Visit {
        FrameBox box;
        std::uint32_t node;  // of a group: not looked at
    };

    // What the picture is deep enough for; what is deeper is only told as a sum. Returns the least weight of
    // a box, so that there are not too many.
    [[nodiscard]] std::uint64_t look_at_depth() {
        const std::uint64_t least = std::max<std::uint64_t>(limits_.min_weight, 1);
        Heaviest candidates(std::max<std::size_t>(limits_.max_boxes, 1));
        LargeVector<std::uint32_t> depth(weights_.size());
        for (std::size_t i = 1; i < depth.size(); ++i) {
            depth[i] = depth[profile_.nodes[i].parent] + 1;
            if (weights_[i] == 0) continue;
            tree_.frames += depth[i] <= limits_.max_depth;
            if (depth[i] == limits_.max_depth + 1) tree_.cut_weight += weights_[i];
            if (depth[i] <= limits_.max_depth && weights_[i] >= least) candidates.add(weights_[i]);
        }
        const std::uint64_t last = candidates.last();
        return last == 0 ? least : std::max(least, last + 1);
    }

    // By name, from left to right. Neighbours that are too narrow go together; a group may still be too
    // narrow.
    std::vector<Visit> children_of(const Visit& parent) {
        std::vector<std::uint32_t> children;
        for (const std::uint32_t child : children_.of(parent.node))
            if (weights_[child] > 0) children.push_back(child);
        std::sort(children.begin(), children.end(),
                  [&](std::uint32_t a, std::uint32_t b) { return frame_of(a).name < frame_of(b).name; });
        std::vector<Visit> out;
        FrameBox group;
        const auto close = [&] {
            if (group.hidden > 0 && group.weight >= least_) out.push_back({group, 0});
            group = {};
        };
        std::uint64_t left = parent.box.left + profile_.nodes[parent.node].self;
        for (const std::uint32_t child : children) {
            const std::uint64_t weight = weights_[child];
            const std::uint64_t before = before_.empty() ? 0 : before_[child];
            const ProfileFrame& frame = frame_of(child);
            if (weight >= least_) {
                close();
                out.push_back(
                    {{frame.name, left, weight, parent.box.depth + 1, 0, before, frame.kind}, child});
            } else {
                if (group.hidden == 0)
                    group = {frame.name, left, 0, parent.box.depth + 1, 0, 0, FrameKind::unknown};
                group.weight += weight;
                group.before += before;
                ++group.hidden;
            }
            left += weight;
        }
        close();
        return out;
    }

    [[nodiscard]] const ProfileFrame& frame_of(std::uint32_t node) const {
        return profile_.frames[profile_.nodes[node].frame];
    }

    const Profile& profile_;
    const FrameTreeLimits& limits_;
    LargeVector<std::uint64_t> weights_, before_;
    FrameTree tree_;
    std::uint64_t least_;  // weight of a box
    Children children_;    // of what is drawn
    std::size_t drawn_ = 0;
};

}  // namespace

FrameTree frame_tree(const Profile& profile, const FrameTreeLimits& limits) {
    return Layout(*MergedByName(profile), limits).run();
}

}  // namespace autotune::render
