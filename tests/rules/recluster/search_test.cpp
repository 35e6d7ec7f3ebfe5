#include "rules/recluster/search.hpp"

#include <gtest/gtest.h>

#include "tests/rules/recluster/builders.hpp"

namespace autotune::rules {
namespace {

using namespace test;

// Every partition, by restricted growth strings.
double least_of_all(const CallGraph& graph) {
    const std::size_t n = graph.nodes.size();
    double least = 1e300;
    std::vector<std::uint32_t> of(n, 0);
    const auto visit = [&](const auto& self, std::size_t f, std::uint32_t used) -> void {
        if (f == n) {
            Grouping groups(used);
            for (FunctionId k = 0; k < n; ++k) groups[of[k]].push_back(k);
            double cost = 0;
            for (const Group& g : groups) cost += forbidden(graph, g) ? 1e300 : group_cost(graph, g);
            least = std::min(least, cost);
            return;
        }
        for (std::uint32_t g = 0; g <= used; ++g) of[f] = g, self(self, f + 1, std::max(used, g + 1));
    };
    visit(visit, 0, 0);
    return least;
}

TEST(ReclusterSearch, ExactIsTheLeastOfAllPartitions) {
    std::mt19937_64 draw(7);
    for (int i = 0; i < 40; ++i) {
        const CallGraph graph = random_graph(draw, 2 + draw() % 6);
        EXPECT_NEAR(search_exact(graph).cost, least_of_all(graph), 1e-9);
    }
}

TEST(ReclusterSearch, HeuristicIsWithinTwoPercentOfExact) {
    std::mt19937_64 draw(3);
    for (int i = 0; i < 60; ++i) {
        const CallGraph graph = random_graph(draw, 2 + draw() % 8);
        const double exact = search_exact(graph).cost, near = search_heuristic(graph).cost;
        EXPECT_GE(near, exact - 1e-9) << i;
        EXPECT_LE(near, exact * 1.02) << i;
    }
}

TEST(ReclusterSearch, EachFunctionIsInOneGroupAndNoGroupIsForbidden) {
    std::mt19937_64 draw(5);
    const CallGraph graph = random_graph(draw, 120);
    std::vector<int> seen(120, 0);
    for (const Group& g : search_heuristic(graph).groups) {
        EXPECT_FALSE(forbidden(graph, g));
        for (const FunctionId f : g) ++seen[f];
    }
    EXPECT_EQ(seen, std::vector<int>(120, 1));
}

}  // namespace
}  // namespace autotune::rules
