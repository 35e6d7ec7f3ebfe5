// Heaviest: how heavy is the last of the so many heaviest, of weights that are seen once.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace autotune::render {

// Keeps at most twice as many weights as asked for, not all of them. Time: linear.
class Heaviest {
public:
    // REQUIRES: most >= 1.
    explicit Heaviest(std::size_t most) : most_(most) {}

    void add(std::uint64_t weight) {
        if (weight <= floor_) return;  // so many are as heavy
        kept_.push_back(weight);
        if (kept_.size() >= 2 * most_) cut();
    }
    // The weight of the `most`th of them; 0 where there are fewer.
    [[nodiscard]] std::uint64_t last() {
        if (kept_.size() > most_) cut();
        return kept_.size() < most_ ? 0 : *std::min_element(kept_.begin(), kept_.end());
    }

private:
    void cut() {
        const auto end = kept_.begin() + static_cast<std::ptrdiff_t>(most_);
        std::nth_element(kept_.begin(), end - 1, kept_.end(), std::greater<>());
        kept_.erase(end, kept_.end());
        floor_ = kept_.back();
    }

    std::size_t most_;
    std::uint64_t floor_ = 0;
    std::vector<std::uint64_t> kept_;
};

}  // namespace autotune::render
