// Things that are joined two by two, and in which set each is then.
#pragma once

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

namespace autotune::analysis {

class DisjointSets {
public:
    explicit DisjointSets(std::size_t count) : parent_(count) {
        std::iota(parent_.begin(), parent_.end(), 0u);
    }

    // The smallest of its set.
    [[nodiscard]] std::uint32_t of(std::uint32_t thing) {
        while (parent_[thing] != thing) thing = parent_[thing] = parent_[parent_[thing]];
        return thing;
    }
    void join(std::uint32_t a, std::uint32_t b) {
        a = of(a), b = of(b);
        if (a < b) parent_[b] = a;
        if (b < a) parent_[a] = b;
    }

private:
    std::vector<std::uint32_t> parent_;
};

}  // namespace autotune::analysis
