#include "bpf/logic/told_numbers.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace {

told_address address(std::uint16_t number, std::uint16_t epoch) { return {.number = number, .epoch = epoch, .recipe = 100u + number}; }

class ToldSet : public ::testing::Test {
protected:
    void put(std::uint64_t hash, const told_address& told) { at_put_told(&set_, hash, &told); }
    std::uint16_t number(std::uint64_t hash) { return at_find_told(&set_, hash).number; }
    told_set set_{};
};

TEST_F(ToldSet, HasAllThatWasTold) {
    put(11, {.number = 0xffff, .epoch = 0xfffe, .recipe = 0xfffffffd});
    const told_address found = at_find_told(&set_, 11);
    EXPECT_EQ(found.number, 0xffff);
    EXPECT_EQ(found.epoch, 0xfffe);
    EXPECT_EQ(found.recipe, 0xfffffffd);
    EXPECT_EQ(number(12), 0);
}

TEST_F(ToldSet, HoldsFourAndThenTheOneToldFirstGoes) {
    for (std::uint16_t n : {3, 1, 2, 4}) put(10u + n, address(n, 0));
    for (std::uint16_t n : {1, 2, 3, 4}) EXPECT_EQ(number(10u + n), n);
    put(15, address(5, 0));
    EXPECT_EQ(number(11), 0);
    for (std::uint16_t n : {2, 3, 4, 5}) EXPECT_EQ(number(10u + n), n);
}

TEST_F(ToldSet, TakesItsOwnPlaceAgain) {
    for (std::uint16_t n : {1, 2, 3, 4}) put(10u + n, address(n, 7));
    put(13, address(9, 8));
    for (std::uint16_t n : {1, 2, 4}) EXPECT_EQ(number(10u + n), n);
    EXPECT_EQ(number(13), 9);
}

TEST_F(ToldSet, AnEarlierEpochGoesBeforeThisOne) {
    put(11, address(1, 8));
    put(12, address(60'000, 7));
    put(13, address(2, 8));
    put(14, address(3, 8));
    put(15, address(4, 8));
    EXPECT_EQ(number(12), 0);
    for (std::uint64_t hash : {11, 13, 14, 15}) EXPECT_NE(number(hash), 0) << hash;
}

TEST(FreshStack, IsOneThatTheReaderHasForSure) {
    EXPECT_EQ(at_fresh_stack(1000, 1000), 1000u);
    EXPECT_EQ(at_fresh_stack(1000, 1000 + AT_OLD_STACK), 1000u);
    EXPECT_EQ(at_fresh_stack(1000, 1001 + AT_OLD_STACK), 0u);
    EXPECT_EQ(at_fresh_stack(0xfffffff0, 20), 0xfffffff0) << "numbers begin again";
    EXPECT_EQ(at_fresh_stack(0, 16), 0u) << "an empty place";
}

}  // namespace
