#include "exporters/render/heaviest.hpp"

#include <gtest/gtest.h>

#include <random>

namespace autotune::render {
namespace {

TEST(Heaviest, IsWhatSortingAllOfThemSays) {
    std::mt19937 random(3);
    for (const std::size_t most : {1U, 2U, 7U, 500U})
        for (const std::uint32_t values : {1U, 3U, 1'000'000U}) {  // many alike, and hardly any
            std::vector<std::uint64_t> all;
            Heaviest heaviest(most);
            for (int i = 0; i < 2000; ++i) {
                all.push_back(1 + random() % values);
                heaviest.add(all.back());
            }
            std::sort(all.begin(), all.end(), std::greater<>());
            EXPECT_EQ(heaviest.last(), all[most - 1]) << most << " of " << values;
        }
}

TEST(Heaviest, OfTooFewIsNothing) {
    Heaviest heaviest(3);
    EXPECT_EQ(heaviest.last(), 0u);
    for (const std::uint64_t weight : {5, 0, 4}) heaviest.add(weight);
    EXPECT_EQ(heaviest.last(), 0u) << "what weighs nothing is not among them";
    heaviest.add(9);
    EXPECT_EQ(heaviest.last(), 4u);
    heaviest.add(7);
    EXPECT_EQ(heaviest.last(), 5u) << "also when it was asked before";
}

}  // namespace
}  // namespace autotune::render
