// Each child to one parent at most, and each parent one child at most, at the highest sum of gains.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace autotune::analysis {

struct Edge {
    std::uint32_t parent = 0;
    double gain = 0;
};

// Exact (successive shortest paths over the edges there are; the cost is that of the crowd around each child,
// not of the whole). One owner; room is kept between calls.
class Assignment {
public:
    static constexpr std::uint32_t kNone = 0xffffffff;

    // edges of child i: edges[first[i]] to edges[first[i + 1] - 1]. A child may stay alone at `alone`.
    // Returns the parent of each, or kNone.
    const std::vector<std::uint32_t>& solve(std::span<const std::uint32_t> first, std::span<const Edge> edges,
                                            std::size_t parents, double alone);

private:
    struct Reached {
        double cost;
        std::uint32_t parent;
        bool operator>(const Reached& other) const { return cost > other.cost; }
    };
    std::vector<std::uint32_t> parent_of_, child_of_, from_, touched_;
    std::vector<double> price_, cost_;
    std::vector<std::uint8_t> done_;
    std::vector<Reached> heap_;
};

}  // namespace autotune::analysis
