#include "core/profile_builder.hpp"

#include <cstring>
#include <functional>
#include <utility>

namespace autotune {

namespace {

constexpr int kListed = 2;  // children of a node before its others are hashed
constexpr std::size_t kFewest = 1024;
constexpr std::uint64_t kOdd = 0x9e3779b97f4a7c15ull;

std::uint64_t hash_of(std::uint32_t parent, std::uint32_t frame) {
    const std::uint64_t h = (std::uint64_t{parent} << 32 | frame) * kOdd;
    return h ^ (h >> 29);
}

// Eight bytes a step: names are most of what is read.
std::uint64_t hash_of(std::string_view text) {
    std::uint64_t h = text.size() * kOdd;
    const auto mix = [&h](std::uint64_t word) {
        h = (h ^ word) * kOdd;
        h ^= h >> 32;
    };
    std::uint64_t word = 0;
    for (; text.size() >= sizeof word; text.remove_prefix(sizeof word)) {
        std::memcpy(&word, text.data(), sizeof word);
        mix(word);
    }
    word = 0;
    std::memcpy(&word, text.data(), text.size());
    mix(word);
    return h;
}

std::uint32_t tag_of(std::uint64_t hash) { return static_cast<std::uint32_t>(hash >> 32); }

}  // namespace

ProfileBuilder::ProfileBuilder() : names_(kFewest), children_(kFewest) {}

void ProfileBuilder::expect(std::size_t nodes) {
    profile_.nodes.reserve(nodes);
    kin_.reserve(nodes);
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
    const std::uint64_t hash = hash_of(name);
    const std::size_t mask = names_.size() - 1;
    std::size_t at = hash & mask;
    for (; names_[at].id != 0; at = (at + 1) & mask)
        if (names_[at].tag == tag_of(hash) && profile_.frames[names_[at].id - 1].name == name)
            return names_[at].id - 1;
    const auto id = static_cast<std::uint32_t>(profile_.frames.size());
    profile_.frames.push_back({.name = std::string(name)});
    names_[at] = {id + 1, tag_of(hash)};
    if (++named_ * 2 > names_.size()) grow_names();
    return id;
}

void ProfileBuilder::grow_names() {
    std::vector<NameSlot> old(names_.size() * 2);
    old.swap(names_);
    const std::size_t mask = names_.size() - 1;
    for (const NameSlot& slot : old) {
        if (slot.id == 0) continue;
        std::size_t at = hash_of(std::string_view(profile_.frames[slot.id - 1].name)) & mask;
        while (names_[at].id != 0) at = (at + 1) & mask;
        names_[at] = slot;
    }
}

std::uint32_t ProfileBuilder::new_node(std::uint32_t parent, std::uint32_t frame) {
    const auto fresh = static_cast<std::uint32_t>(profile_.nodes.size());
    profile_.nodes.push_back({frame, parent, 0});
    kin_.push_back({frame, 0, 0});
    return fresh;
}

std::uint32_t ProfileBuilder::child(std::uint32_t parent, std::uint32_t frame) {
    std::uint32_t last = 0;
    int listed = 0;
    for (std::uint32_t at = kin_[parent].first_child; at != 0; at = kin_[at].next_sibling, ++listed) {
        if (kin_[at].frame == frame) return at;
        last = at;
    }
    if (listed >= kListed) return hashed_child(parent, frame);
    const std::uint32_t fresh = new_node(parent, frame);
    (last == 0 ? kin_[parent].first_child : kin_[last].next_sibling) = fresh;
    return fresh;
}

std::uint32_t ProfileBuilder::hashed_child(std::uint32_t parent, std::uint32_t frame) {
    const std::size_t mask = children_.size() - 1;
    std::size_t at = hash_of(parent, frame) & mask;
    for (; children_[at].id != 0; at = (at + 1) & mask)
        if (children_[at].parent == parent && children_[at].frame == frame) return children_[at].id;
    const std::uint32_t fresh = new_node(parent, frame);
    children_[at] = {fresh, parent, frame};
    if (++hashed_ * 2 > children_.size()) grow_children();
    return fresh;
}

void ProfileBuilder::grow_children() {
    std::vector<ChildSlot> old(children_.size() * 2);
    old.swap(children_);
    const std::size_t mask = children_.size() - 1;
    for (const ChildSlot& slot : old) {
        if (slot.id == 0) continue;
        std::size_t at = hash_of(slot.parent, slot.frame) & mask;
        while (children_[at].id != 0) at = (at + 1) & mask;
        children_[at] = slot;
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

}  // namespace autotune
