#include "agent/black_box/recorded_memory.hpp"

#include <gtest/gtest.h>

#include <array>

namespace autotune::black_box {
namespace {

constexpr std::array kPiece{std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}};

TEST(RecordedMemory, IsReadWhereItWasRecordedAndNowhereElse) {
    RecordedMemory memory;
    memory.add(100, kPiece);
    std::array<std::byte, 2> two{};
    EXPECT_TRUE(memory.read(102, two.data(), 2));
    EXPECT_EQ(two[0], std::byte{3});
    EXPECT_FALSE(memory.read(103, two.data(), 2));
    EXPECT_FALSE(memory.read(99, two.data(), 2));
    EXPECT_FALSE(memory.read(~0ull, two.data(), 2));
}

TEST(RecordedMemory, LooksInAllPiecesThatOverlap) {
    RecordedMemory memory;
    memory.add(100, kPiece);
    memory.add(102, std::span(kPiece).first(1));
    std::array<std::byte, 2> two{};
    EXPECT_TRUE(memory.read(102, two.data(), 2));
    EXPECT_EQ(two[1], std::byte{4});
}

TEST(RecordedMemory, KeepsTheLongerPiece) {
    RecordedMemory memory;
    memory.add(100, kPiece);
    memory.add(100, std::span(kPiece).first(2));
    std::array<std::byte, 4> all{};
    EXPECT_TRUE(memory.read(100, all.data(), 4));
}

}  // namespace
}  // namespace autotune::black_box
