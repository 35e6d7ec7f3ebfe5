// Assignments small enough that all can be tried.
#include "analyzer/topology/requests/assignment.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <set>
#include <vector>

namespace autotune::analysis {
namespace {

TEST(Assignment, FindsTheBestOfAllAsTryingAllDoes) {
    std::mt19937 source(7);
    for (int round = 0; round < 300; ++round) {
        const std::size_t children = 1 + source() % 5, parents = 1 + source() % 5;
        std::vector<std::vector<double>> gain(children, std::vector<double>(parents, NAN));
        std::vector<std::uint32_t> first{0};
        std::vector<Edge> edges;
        for (std::size_t c = 0; c < children; ++c) {
            for (std::uint32_t p = 0; p < parents; ++p)
                if (source() % 3) edges.push_back({p, gain[c][p] = static_cast<double>(source() % 100) - 60});
            first.push_back(static_cast<std::uint32_t>(edges.size()));
        }
        std::vector<std::uint8_t> taken(parents, 0);
        const auto best = [&](const auto& self, std::size_t c) -> double {
            if (c == children) return 0;
            double most = -40 + self(self, c + 1);
            for (std::size_t p = 0; p < parents; ++p) {
                if (taken[p] || std::isnan(gain[c][p])) continue;
                taken[p] = 1;
                most = std::max(most, gain[c][p] + self(self, c + 1));
                taken[p] = 0;
            }
            return most;
        };
        Assignment assignment;
        double sum = 0;
        std::set<std::uint32_t> used;
        const auto& found = assignment.solve(first, edges, parents, -40);
        for (std::size_t c = 0; c < children; ++c) {
            sum += found[c] == Assignment::kNone ? -40 : gain[c][found[c]];
            if (found[c] != Assignment::kNone) {
                EXPECT_TRUE(used.insert(found[c]).second);
            }
        }
        EXPECT_DOUBLE_EQ(sum, best(best, 0)) << round;
    }
}

}  // namespace
}  // namespace autotune::analysis
