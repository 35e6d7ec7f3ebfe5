// ReorderBuffer: puts events of several CPUs and sources into time order.
//
// Events are held until the watermark (now less the hold-back) has passed their time; events of equal
// time keep the order in which they came. A kill cannot wait for the watermark: release_cgroup lets one
// cgroup's events go early and leaves the others'. Steady state allocates nothing.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "core/event.hpp"

namespace autotune::analysis {

class ReorderBuffer {
public:
    // Returns how many of them are late: older than what release() has already let go.
    std::uint64_t add(std::span<const Event> events);

    // Calls visit(event) for every event with at <= until, in order.
    template <class Visit>
    void release(Timestamp until, Visit&& visit) {
        sort();
        for (; head_ < keys_.size() && keys_[head_].at <= until; ++head_)
            if (keys_[head_].slot != kGone) visit(slots_[keys_[head_].slot]);
        released_ = std::max(released_, until);
        compact();
    }

    // The same for the events of one cgroup only.
    template <class Visit>
    void release_cgroup(CgroupId cgroup, Timestamp until, Visit&& visit) {
        sort();
        for (std::size_t i = head_; i < keys_.size() && keys_[i].at <= until; ++i) {
            if (keys_[i].slot == kGone || slots_[keys_[i].slot].cgroup != cgroup) continue;
            visit(slots_[keys_[i].slot]);
            keys_[i].slot = kGone;
        }
    }

private:
    static constexpr std::uint32_t kGone = std::numeric_limits<std::uint32_t>::max();
    struct Key {
        Timestamp at;
        std::uint32_t slot;
    };

    void sort();
    void compact();

    // Events stay where they were put; only their keys are sorted, they are a tenth of the size.
    std::vector<Event> slots_, spare_slots_;
    std::vector<Key> keys_, spare_keys_;
    std::size_t head_ = 0;  // keys before it are released
    bool sorted_ = true;
    Timestamp released_ = Timestamp::min();
};

}  // namespace autotune::analysis
