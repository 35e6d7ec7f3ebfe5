#include "core/tables.hpp"

#include <algorithm>

namespace autotune {

namespace {
constexpr std::string_view kOverflowText = "(too many names)";
constexpr std::size_t kReserved = 2;  // id 0: empty, id 1: overflow

std::size_t mix(std::size_t seed, std::uint64_t value) {
    return (seed ^ value) * 0x9E3779B97F4A7C15ULL + (seed >> 29);
}
}  // namespace

StringTable::StringTable(std::size_t capacity) : capacity_(std::max(capacity, kReserved)) {
    for (std::string_view text : {std::string_view(), kOverflowText}) {
        const auto id = StringId(texts_.size());  // before it grows: arguments have no order
        ids_.emplace(texts_.emplace_back(text), id);
    }
}

StringId StringTable::intern(std::string_view text) {
    if (const auto known = ids_.find(text); known != ids_.end()) return known->second;
    if (texts_.size() >= capacity_) return ++overflowed_, StringId(1);
    const auto id = StringId(texts_.size());
    ids_.emplace(texts_.emplace_back(text), id);
    return id;
}

std::string_view StringTable::operator[](StringId id) const {
    return texts_.at(static_cast<std::size_t>(id));
}

FrameTable::FrameTable(std::size_t capacity) : capacity_(std::max(capacity, kReserved)) {
    frames_.resize(kReserved);
    ids_.emplace(Frame{}, FrameId(0));
}

std::size_t FrameTable::Hash::operator()(const Frame& f) const noexcept {
    std::size_t h = mix(0, static_cast<std::uint64_t>(f.name));
    h = mix(h, static_cast<std::uint64_t>(f.module));
    h = mix(h, static_cast<std::uint64_t>(f.file));
    return mix(h, (std::uint64_t{f.line} << 8) | static_cast<std::uint64_t>(f.kind));
}

FrameId FrameTable::intern(const Frame& frame) {
    if (const auto known = ids_.find(frame); known != ids_.end()) return known->second;
    if (frames_.size() >= capacity_) return ++overflowed_, FrameId(1);
    const auto id = FrameId(frames_.size());
    frames_.push_back(frame);
    ids_.emplace(frame, id);
    return id;
}

const Frame& FrameTable::operator[](FrameId id) const {
    return frames_.at(static_cast<std::size_t>(id));
}

StackTable::StackTable(std::size_t capacity) : capacity_(std::max(capacity, kReserved)) {
    const auto empty = ids_.emplace(std::vector<FrameId>{}, StackId(0)).first;
    const auto overflow = ids_.emplace(std::vector<FrameId>{FrameId(1)}, StackId(1)).first;
    stacks_ = {&empty->first, &overflow->first};
}

std::size_t StackTable::Hash::operator()(std::span<const FrameId> s) const {
    std::size_t h = s.size();
    for (const FrameId frame : s) h = mix(h, static_cast<std::uint64_t>(frame));
    return h;
}

bool StackTable::Same::operator()(std::span<const FrameId> a, std::span<const FrameId> b) const { return std::ranges::equal(a, b); }

StackId StackTable::intern(std::span<const FrameId> leaf_first) {
    if (const auto known = ids_.find(leaf_first); known != ids_.end()) return known->second;
    if (stacks_.size() >= capacity_) return ++overflowed_, StackId(1);
    const auto id = StackId(stacks_.size());
    stacks_.push_back(&ids_.emplace(std::vector(leaf_first.begin(), leaf_first.end()), id).first->first);
    return id;
}

std::span<const FrameId> StackTable::operator[](StackId id) const {
    return *stacks_.at(static_cast<std::size_t>(id));
}

}  // namespace autotune
