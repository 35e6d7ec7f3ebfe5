#include "bpf/logic/checked_slot.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <thread>

namespace {

constexpr std::uint64_t kHash = 0x0123456789abcdef, kOther = 0xfedcba9876543210;

TEST(CheckedSlot, HasWhatWasPutForThatKeyOnly) {
    at_checked_slot slot{};
    EXPECT_EQ(at_slot_data(&slot, kHash), 0u);
    EXPECT_EQ(at_slot_data(&slot, 0), 0u) << "an empty one has nothing, whatever the key";
    at_put_slot(&slot, kHash, 42);
    EXPECT_EQ(at_slot_data(&slot, kHash), 42u);
    EXPECT_EQ(at_slot_data(&slot, kOther), 0u);
    at_put_slot(&slot, kOther, 43);
    EXPECT_EQ(at_slot_data(&slot, kHash), 0u) << "a later one took its place";
    EXPECT_EQ(at_slot_data(&slot, kOther), 43u);
}

TEST(CheckedSlot, HalfOfEachIsNothing) {
    at_checked_slot first{}, second{};
    at_put_slot(&first, kHash, 42);
    at_put_slot(&second, kOther, 43);
    for (const at_checked_slot torn : {at_checked_slot{first.check, second.data}, at_checked_slot{second.check, first.data}}) {
        EXPECT_EQ(at_slot_data(&torn, kHash), 0u);
        EXPECT_EQ(at_slot_data(&torn, kOther), 0u);
    }
}

TEST(CheckedSlot, WritersAtTheSameTimeNeverShowOneKeysDataForAnother) {
    at_checked_slot slot{};
    std::atomic<bool> over = false;
    const auto write = [&](std::uint64_t hash, std::uint64_t from) {
        for (std::uint64_t n = 1; !over; ++n) at_put_slot(&slot, hash, from + n % 1000 + 1);
    };
    std::thread one(write, kHash, 0), other(write, kOther, 5000);
    std::uint64_t wrong = 0, seen = 0;
    // Until both were seen often, not for a time: the machine may be slow.
    std::array<std::uint64_t, 2> had{};
    for (; (had[0] < 20'000 || had[1] < 20'000) && seen < 500'000'000; ++seen) {
        const std::uint64_t first = at_slot_data(&slot, kHash), second = at_slot_data(&slot, kOther);
        had[0] += first != 0, had[1] += second != 0;
        wrong += first > 5000;
        wrong += second != 0 && second <= 5000;
    }
    over = true;
    one.join();
    other.join();
    EXPECT_EQ(wrong, 0u) << "of " << seen;
    EXPECT_GE(std::min(had[0], had[1]), 20'000u) << "one of them was never seen";
}

}  // namespace
