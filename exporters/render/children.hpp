// The children of nodes of a profile.
#pragma once

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

#include "core/profile.hpp"

namespace autotune::render {

// In the order of the profile, side by side. Does not keep the profile.
class Children {
public:
    // Only of nodes that `wanted` holds for; others seem to have none.
    template <class Wanted>
    Children(const Profile& profile, const Wanted& wanted) : first_(profile.nodes.size() + 1) {
        const std::size_t count = profile.nodes.size();
        for (std::size_t i = 1; i < count; ++i)
            if (const auto parent = profile.nodes[i].parent; wanted(parent)) ++first_[parent + 1];
        std::partial_sum(first_.begin(), first_.end(), first_.begin());
        all_.resize(first_.back());
        // first_[n] moves to the end of n's children while they are put there, and back afterwards.
        for (std::size_t i = 1; i < count; ++i)
            if (const auto parent = profile.nodes[i].parent; wanted(parent))
                all_[first_[parent]++] = static_cast<std::uint32_t>(i);
        for (std::size_t n = count; n > 0; --n) first_[n] = first_[n - 1];
        first_[0] = 0;
    }
    explicit Children(const Profile& profile) : Children(profile, [](std::uint32_t) { return true; }) {}

    [[nodiscard]] std::span<const std::uint32_t> of(std::uint32_t node) const {
        return {all_.data() + first_[node], all_.data() + first_[node + 1]};
    }

private:
    std::vector<std::uint32_t> first_, all_;
};

}  // namespace autotune::render
