#include "core/profile_builder.hpp"

#include <algorithm>
#include <bit>
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
struct NameHash {
    std::uint64_t value = 0;
    void mix(std::uint64_t word) {
        value = (value ^ word) * kOdd;
        value ^= value >> 32;
    }
    [[nodiscard]] std::uint64_t of(std::size_t length) const { return (value ^ length) * kOdd; }
};

constexpr std::uint64_t each_byte(unsigned char byte) { return 0x0101010101010101ull * byte; }

// How many bytes of a word come before the first that is `byte`, the lowest first; 8: none is.
std::size_t bytes_before(std::uint64_t word, unsigned char byte) {
    const std::uint64_t x = word ^ each_byte(byte);
    const std::uint64_t zeros = (x - each_byte(1)) & ~x & each_byte(0x80);  // right up to the first zero byte
    return zeros == 0 ? sizeof word : static_cast<std::size_t>(std::countr_zero(zeros)) / 8;
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

ProfileBuilder::ScannedName ProfileBuilder::scan_name(std::string_view text, char end) {
    NameHash hash;
    std::uint64_t word = 0;
    for (std::size_t at = 0;; at += sizeof word) {
        const std::size_t left = text.size() - at;
        if (left >= sizeof word) {
            std::memcpy(&word, text.data() + at, sizeof word);
        } else {
            word = 0;
            std::memcpy(&word, text.data() + at, left);
        }
        const std::size_t before =
            std::min({left, sizeof word, end != '\0' ? bytes_before(word, static_cast<unsigned char>(end)) : sizeof word});
        if (before == sizeof word) {
            hash.mix(word);
            continue;
        }
        hash.mix(word & ((std::uint64_t{1} << (8 * before)) - 1));
        return {at + before, hash.of(at + before)};
    }
}

std::uint32_t ProfileBuilder::frame(std::string_view name, std::uint64_t hash) {
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
        std::size_t at = scan_name(profile_.frames[slot.id - 1].name, '\0').hash & mask;
        while (names_[at].id != 0) at = (at + 1) & mask;
        names_[at] = slot;
    }
}

std::uint32_t ProfileBuilder::find(std::uint32_t parent, std::uint32_t frame) const {
    int listed = 0;
    for (std::uint32_t at = kin_[parent].first_child; at != 0; at = kin_[at].next_sibling, ++listed)
        if (kin_[at].frame == frame) return at;
    if (listed < kListed) return 0;
    const std::size_t mask = children_.size() - 1;
    for (std::size_t at = hash_of(parent, frame) & mask; children_[at].id != 0; at = (at + 1) & mask)
        if (children_[at].parent == parent && children_[at].frame == frame) return children_[at].id;
    return 0;
}

std::uint32_t ProfileBuilder::append(std::uint32_t parent, std::uint32_t frame) {
    profile_.nodes.push_back({frame, parent, 0});
    return static_cast<std::uint32_t>(profile_.nodes.size() - 1);
}

void ProfileBuilder::index(std::uint32_t node) {
    const auto [frame, parent, unused] = profile_.nodes[node];
    kin_.push_back({frame, 0, 0});
    std::uint32_t* link = &kin_[parent].first_child;
    for (int listed = 0; listed < kListed; ++listed) {
        if (*link == 0) {
            *link = node;
            return;
        }
        link = &kin_[*link].next_sibling;
    }
    const std::size_t mask = children_.size() - 1;
    std::size_t at = hash_of(parent, frame) & mask;
    while (children_[at].id != 0) at = (at + 1) & mask;
    children_[at] = {node, parent, frame};
    if (++hashed_ * 2 > children_.size()) grow_children();
}

void ProfileBuilder::index_appended() {
    while (kin_.size() < profile_.nodes.size()) index(static_cast<std::uint32_t>(kin_.size()));
}

std::uint32_t ProfileBuilder::child(std::uint32_t parent, std::uint32_t frame) {
    index_appended();
    if (const std::uint32_t known = find(parent, frame); known != 0) return known;
    const std::uint32_t fresh = append(parent, frame);
    index(fresh);
    return fresh;
}

void ProfileBuilder::grow_children() {
    LargeVector<ChildSlot> old(children_.size() * 2);
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

void ProfileBuilder::tell(MemoryAhead& ahead) const {
    ahead.wrote(profile_.nodes);
    ahead.wrote(kin_);
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
