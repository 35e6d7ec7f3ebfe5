#include "analyzer/reorder_buffer.hpp"

namespace autotune::analysis {

std::uint64_t ReorderBuffer::add(std::span<const Event> events) {
    std::uint64_t late = 0;
    for (const Event& event : events) {
        if (event.at <= released_) ++late;
        if (keys_.size() > head_ && event.at < keys_.back().at) sorted_ = false;
        keys_.push_back({event.at, static_cast<std::uint32_t>(slots_.size())});
        slots_.push_back(event);
    }
    return late;
}

void ReorderBuffer::sort() {
    if (sorted_) return;
    // By slot among equals, which is the order of arrival. Keys that are gone may stand anywhere.
    std::sort(keys_.begin() + static_cast<std::ptrdiff_t>(head_), keys_.end(),
              [](const Key& a, const Key& b) { return a.at != b.at ? a.at < b.at : a.slot < b.slot; });
    sorted_ = true;
}

void ReorderBuffer::compact() {
    // Only when at least half is released: every event is then moved about once.
    if (head_ * 2 < keys_.size()) return;
    spare_slots_.clear();
    spare_keys_.clear();
    for (std::size_t i = head_; i < keys_.size(); ++i) {
        if (keys_[i].slot == kGone) continue;
        spare_keys_.push_back({keys_[i].at, static_cast<std::uint32_t>(spare_slots_.size())});
        spare_slots_.push_back(slots_[keys_[i].slot]);
    }
    slots_.swap(spare_slots_);
    keys_.swap(spare_keys_);
    head_ = 0;
}

}  // namespace autotune::analysis
