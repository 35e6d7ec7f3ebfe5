// The table of blocks beside a plain map, through growth, collisions and gaps.
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <utility>
#include <vector>

extern "C" {
#include "runtimes/python/block_table.h"
}

namespace {

class BlockTable : public ::testing::Test {
protected:
    void SetUp() override { ASSERT_TRUE(at_blocks_make(&table_)); }
    void TearDown() override { at_blocks_forget(&table_); }
    at_block put(std::uint64_t address, std::size_t bytes, std::uint32_t place) {
        at_block was{};
        EXPECT_TRUE(at_blocks_put(&table_, address, {bytes, place}, &was));
        return was;
    }
    at_block_table table_{};
};

TEST_F(BlockTable, WhatWasNotPutThereIsNotTaken) {
    const at_block none = at_blocks_take(&table_, 0x7f0000001000);
    EXPECT_EQ(none.bytes, 0u);
    EXPECT_EQ(none.place, 0u);
}

TEST_F(BlockTable, ABlockAtTheSameAddressTellsWhatWasThere) {
    EXPECT_EQ(put(4096, 100, 7).bytes, 0u);
    const at_block was = put(4096, 200, 8);
    EXPECT_EQ(was.bytes, 100u);
    EXPECT_EQ(was.place, 7u);
    EXPECT_EQ(at_blocks_take(&table_, 4096).bytes, 200u);
    EXPECT_EQ(at_blocks_take(&table_, 4096).bytes, 0u);
    EXPECT_EQ(table_.used, 0u);
}

TEST_F(BlockTable, TheLargestSizesAndPlacesComeBack) {
    put(16, AT_BLOCK_LARGEST - 1, (1u << 24) - 1);
    at_block was{};
    EXPECT_FALSE(at_blocks_put(&table_, 32, {AT_BLOCK_LARGEST, 1}, &was));
    const at_block found = at_blocks_take(&table_, 16);
    EXPECT_EQ(found.bytes, AT_BLOCK_LARGEST - 1);
    EXPECT_EQ(found.place, (1u << 24) - 1);
}

TEST_F(BlockTable, IsAMapWhateverHappens) {
    std::mt19937_64 random(1);
    std::map<std::uint64_t, std::pair<std::size_t, std::uint32_t>> model;
    std::vector<std::uint64_t> pages;
    for (int i = 0; i < 200; ++i) pages.push_back(0x7f0000000000 + (random() % 4096 << 14));
    for (int i = 0; i < 100'000; ++i) {
        // As pymalloc hands them out: dense within pages, and pages that are far from each other.
        const std::uint64_t address = pages[random() % pages.size()] + (random() % 1024 << 4);
        const auto known = model.find(address);
        const std::pair<std::size_t, std::uint32_t> expected = known == model.end() ? std::pair(std::size_t{0}, 0u) : known->second;
        at_block was{};
        if (random() % 3 != 0) {
            const std::pair<std::size_t, std::uint32_t> now(random() % 100'000 + 1, static_cast<std::uint32_t>(random() % 1000));
            was = put(address, now.first, now.second);
            model[address] = now;
        } else {
            was = at_blocks_take(&table_, address);
            if (known != model.end()) model.erase(known);
        }
        ASSERT_EQ(std::pair(was.bytes, was.place), expected) << i;
        ASSERT_EQ(table_.used, model.size());
    }
    for (const auto& [address, block] : model) ASSERT_EQ(at_blocks_take(&table_, address).bytes, block.first);
    EXPECT_EQ(table_.used, 0u);
    for (std::uint64_t i = 0; i <= table_.mask; ++i) ASSERT_EQ(table_.entries[i].address, 0u);
}

}  // namespace
