#include "core/profile.hpp"

#include <utility>

#include "core/profile_builder.hpp"

namespace autotune {

namespace {

LargeVector<std::uint64_t> summed(const Profile& profile, LargeVector<std::uint64_t> weights) {
    for (std::size_t i = weights.size(); i-- > 1;) weights[profile.nodes[i].parent] += weights[i];
    return weights;
}

}  // namespace

std::uint64_t Profile::total() const {
    std::uint64_t sum = 0;
    for (const ProfileNode& n : nodes) sum += n.self;
    return sum;
}

std::uint64_t Profile::total_before() const {
    std::uint64_t sum = 0;
    for (const std::uint64_t w : before) sum += w;
    return sum;
}

std::size_t Profile::stacks() const {
    std::size_t count = 0;
    for (const ProfileNode& n : nodes) count += n.self > 0;
    return count;
}

LargeVector<std::uint64_t> subtree_weights(const Profile& profile) {
    LargeVector<std::uint64_t> weights(profile.nodes.size());
    for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = profile.nodes[i].self;
    return summed(profile, std::move(weights));
}

LargeVector<std::uint64_t> subtree_weights_before(const Profile& profile) {
    return summed(profile, {profile.before.begin(), profile.before.end()});
}

Profile compare(const Profile& before, const Profile& after) {
    ProfileBuilder builder;
    const auto graft = [&](const Profile& from, const auto& add) {
        std::vector<std::uint32_t> frames(from.frames.size());
        for (std::size_t i = 0; i < frames.size(); ++i)
            frames[i] = builder.frame(
                {.name = from.frames[i].name, .module = from.frames[i].module, .kind = from.frames[i].kind});
        std::vector<std::uint32_t> nodes(from.nodes.size());
        for (std::size_t i = 0; i < nodes.size(); ++i) {
            const ProfileNode& node = from.nodes[i];
            if (i > 0) nodes[i] = builder.child(nodes[node.parent], frames[node.frame]);
            add(nodes[i], node.self);
        }
    };
    graft(after, [&](std::uint32_t node, std::uint64_t weight) { builder.add(node, weight); });
    graft(before, [&](std::uint32_t node, std::uint64_t weight) { builder.add_before(node, weight); });
    Profile both = std::move(builder).build(after.title, after.unit, after.truncated);
    both.measure = after.measure;
    both.period = after.period;
    return both;
}

}  // namespace autotune
