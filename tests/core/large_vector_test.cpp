#include "core/large_vector.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <new>
#include <numeric>
#include <utility>

namespace autotune {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;

std::uintptr_t place(const LargeVector<std::uint32_t>& v) { return reinterpret_cast<std::uintptr_t>(v.data()); }

TEST(LargeVector, BeginsAtAHugePageOnceItIsLarge) {
    EXPECT_EQ(place(LargeVector<std::uint32_t>(2 * kHugePage / 4)) % kHugePage, 0u);
    EXPECT_EQ(place(LargeVector<std::uint32_t>(3 * kHugePage / 4 + 1)) % kHugePage, 0u) << "not only in whole pages";
}

TEST(LargeVector, KeepsItsElementsAsItGrowsMovesAndShrinks) {
    LargeVector<std::uint32_t> v;
    const std::uint32_t count = 5 * kHugePage / 4;  // through both kinds of memory
    for (std::uint32_t i = 0; i < count; ++i) v.push_back(i);
    LargeVector<std::uint32_t> moved = std::move(v);
    LargeVector<std::uint32_t> copy = moved;
    moved.resize(7);
    moved.shrink_to_fit();
    EXPECT_EQ(moved.capacity(), 7u);
    EXPECT_EQ(moved.back(), 6u);
    EXPECT_EQ(std::accumulate(copy.begin(), copy.end(), std::uint64_t{0}), std::uint64_t{count} * (count - 1) / 2);
}

TEST(LargeVector, ThatCannotBeThrows) { EXPECT_THROW((void)allocate_large(SIZE_MAX - 1), std::bad_alloc); }

}  // namespace
}  // namespace autotune
