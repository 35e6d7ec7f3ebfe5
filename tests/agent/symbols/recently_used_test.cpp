#include "agent/symbols/recently_used.hpp"

#include <gtest/gtest.h>

namespace autotune::symbols {
namespace {

TEST(RecentlyUsed, OfTwoTheOneThatWasNotUsedGoes) {
    RecentlyUsed<int, char> map(2);
    map.put(1, 'a');
    map.put(2, 'b');
    ASSERT_NE(map.find(1), nullptr);
    map.put(3, 'c');
    EXPECT_EQ(map.size(), 2u);
    EXPECT_EQ(map.find(2), nullptr);
    ASSERT_NE(map.find(1), nullptr);
    EXPECT_EQ(*map.find(1), 'a');
    EXPECT_EQ(*map.find(3), 'c');
}

TEST(RecentlyUsed, APutInsteadOfWhatWasThereTakesNoRoom) {
    RecentlyUsed<int, char> map(2);
    map.put(1, 'a');
    map.put(2, 'b');
    map.put(1, 'c');
    EXPECT_EQ(*map.find(1), 'c');
    EXPECT_NE(map.find(2), nullptr);
}

// The kernel side remembers 4 of 9 by the same rule: nothing that it may still refer to has gone.
TEST(RecentlyUsed, WhatASmallerOneStillHasHasNotGone) {
    RecentlyUsed<unsigned, int> kernel(400), ours(900);
    unsigned random = 1;
    for (int i = 0; i < 200'000; ++i) {
        random = random * 1'664'525 + 1'013'904'223;
        // Old and new keys, in waves: sometimes all that is kept is used, sometimes nothing of it.
        const unsigned wide = (i / 5'000) % 2 == 0 ? 380 : 1'500;
        const unsigned key = (random >> 16) % wide + static_cast<unsigned>(i) / 20'000 * 137;
        if (kernel.find(key) != nullptr) {
            ASSERT_NE(ours.find(key), nullptr) << i;
        } else {
            kernel.put(key, 0);
            ours.put(key, 0);
        }
    }
}

}  // namespace
}  // namespace autotune::symbols
