#include "core/profile.hpp"

#include <algorithm>
#include <bit>
#include <functional>

namespace autotune {

namespace {

std::uint64_t mix(std::uint64_t parent, std::uint64_t frame) {
    std::uint64_t h = (parent << 32 | frame) * 0x9e3779b97f4a7c15ull;
    return h ^ (h >> 29);
}

std::uint32_t tag_of(std::uint64_t hash) { return static_cast<std::uint32_t>(hash >> 32); }

std::vector<std::uint64_t> summed(const Profile& profile, std::vector<std::uint64_t> weights) {
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

std::vector<std::uint64_t> subtree_weights(const Profile& profile) {
    std::vector<std::uint64_t> weights(profile.nodes.size());
    for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = profile.nodes[i].self;
    return summed(profile, std::move(weights));
}

std::vector<std::uint64_t> subtree_weights_before(const Profile& profile) {
    return summed(profile, profile.before);
}

ProfileBuilder::ProfileBuilder(std::size_t expected_nodes)
    : slots_(std::bit_ceil(std::max<std::size_t>(expected_nodes * 2, 1024))) {
    profile_.nodes.reserve(expected_nodes + 1);
}

std::size_t ProfileBuilder::FrameHash::operator()(const ProfileFrame& f) const noexcept {
    const std::hash<std::string> text;
    return text(f.name) * 31 + text(f.file) * 17 + text(f.module) * 7 + f.line;
}

std::uint32_t ProfileBuilder::frame(const ProfileFrame& frame) {
    if (frame == ProfileFrame{.name = frame.name}) return this->frame(frame.name);
    const auto [at, fresh] = full_.try_emplace(frame, static_cast<std::uint32_t>(profile_.frames.size()));
    if (fresh) profile_.frames.push_back(frame);
    return at->second;
}

std::uint32_t ProfileBuilder::frame(std::string_view name) {
    if (const auto known = named_.find(name); known != named_.end()) return known->second;
    const auto id = static_cast<std::uint32_t>(profile_.frames.size());
    profile_.frames.push_back({.name = std::string(name)});
    named_.emplace(name, id);
    return id;
}

std::uint32_t ProfileBuilder::child(std::uint32_t parent, std::uint32_t frame) {
    const std::uint64_t hash = mix(parent, frame);
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t at = hash & mask;; at = (at + 1) & mask) {
        Slot& slot = slots_[at];
        if (slot.node == 0) {
            const auto fresh = static_cast<std::uint32_t>(profile_.nodes.size());
            slot = {fresh, tag_of(hash)};
            profile_.nodes.push_back({frame, parent, 0});
            if (profile_.nodes.size() * 2 > slots_.size()) grow();
            return fresh;
        }
        if (slot.tag != tag_of(hash)) continue;
        const ProfileNode& node = profile_.nodes[slot.node];
        if (node.parent == parent && node.frame == frame) return slot.node;
    }
}

void ProfileBuilder::grow() {
    slots_.assign(slots_.size() * 2, {});
    const std::size_t mask = slots_.size() - 1;
    for (std::uint32_t node = 1; node < profile_.nodes.size(); ++node) {
        const std::uint64_t hash = mix(profile_.nodes[node].parent, profile_.nodes[node].frame);
        std::size_t at = hash & mask;
        while (slots_[at].node != 0) at = (at + 1) & mask;
        slots_[at] = {node, tag_of(hash)};
    }
}

void ProfileBuilder::add_before(std::uint32_t node, std::uint64_t weight) {
    if (profile_.before.size() <= node) profile_.before.resize(profile_.nodes.size());
    profile_.before[node] += weight;
}

void ProfileBuilder::add_stack(std::span<const std::uint32_t> root_first, std::uint64_t weight) {
    std::uint32_t node = 0;
    for (const std::uint32_t frame : root_first) node = child(node, frame);
    add(node, weight);
}

Profile ProfileBuilder::build(std::string title, ProfileUnit unit, std::uint64_t truncated) && {
    profile_.title = std::move(title);
    profile_.unit = unit;
    profile_.truncated = truncated;
    if (!profile_.before.empty()) profile_.before.resize(profile_.nodes.size());
    return std::move(profile_);
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
    return std::move(builder).build(after.title, after.unit, after.truncated);
}

}  // namespace autotune
