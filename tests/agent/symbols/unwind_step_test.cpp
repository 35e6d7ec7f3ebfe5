// The kernel side's step from a frame to its caller, compiled for the host and fed memory that a test wrote.
#include <gtest/gtest.h>

#include <random>

#include "agent/symbols/unwind_maps.hpp"
#include "tests/agent/symbols/fake_memory.hpp"

namespace {
const autotune::testing::FakeMemory* memory_under_test = nullptr;
}
#define at_read_user(to, size, address) (memory_under_test->read(address, to, size) ? 0 : -14)
#include "bpf/logic/unwind.h"

namespace autotune::symbols {
namespace {

constexpr std::uint64_t kStack = 0x7fff0000, kSize = 0x1000;

class UnwindStep : public ::testing::Test {
protected:
    UnwindStep() {
        memory_under_test = &memory_;
        memory_.map(kStack, kSize);
    }
    at_step step(const at_unwind_recipe& recipe) { return at_unwind_step(&recipe, &r_); }

    testing::FakeMemory memory_;
    at_unwind_registers r_{.ip = 0x401000, .sp = kStack + 0x100, .bp = kStack + 0x200};
};

TEST_F(UnwindStep, GoesByTheStackPointer) {
    memory_.put(kStack + 0x100 + 24, std::uint64_t{0x402000});  // CFA - 8
    memory_.put(kStack + 0x100 + 16, std::uint64_t{0x1234});    // CFA - 16
    EXPECT_EQ(step({.cfa = AT_CFA_RSP, .rbp = AT_RBP_AT_CFA, .rbp_offset = -16, .cfa_offset = 32}),
              AT_STEP_RETURN);
    EXPECT_EQ(r_.ip, 0x402000u);
    EXPECT_EQ(r_.sp, kStack + 0x120);
    EXPECT_EQ(r_.bp, 0x1234u);
}

TEST_F(UnwindStep, GoesByTheFramePointer) {
    memory_.put(kStack + 0x200, kStack + 0x300);
    memory_.put(kStack + 0x208, std::uint64_t{0x402000});
    EXPECT_EQ(step({.cfa = AT_CFA_RBP, .rbp = AT_RBP_AT_CFA, .rbp_offset = -16, .cfa_offset = 16}),
              AT_STEP_RETURN);
    EXPECT_EQ(r_.sp, kStack + 0x210);
    EXPECT_EQ(r_.bp, kStack + 0x300);
}

TEST_F(UnwindStep, KeepsTheFramePointerThatNobodySaved) {
    memory_.put(kStack + 0x100, std::uint64_t{0x402000});
    EXPECT_EQ(step({.cfa = AT_CFA_RSP, .rbp = AT_RBP_SAME, .rbp_offset = 0, .cfa_offset = 8}),
              AT_STEP_RETURN);
    EXPECT_EQ(r_.bp, kStack + 0x200);
}

TEST_F(UnwindStep, FollowsFunctionsThatAlignTheirStack) {
    memory_.put(kStack + 0x1f8, kStack + 0x400);  // *(rbp - 8) is the CFA
    memory_.put(kStack + 0x200, std::uint64_t{0x77});
    memory_.put(kStack + 0x3f8, std::uint64_t{0x402000});
    EXPECT_EQ(step({.cfa = AT_CFA_DEREF_RBP, .rbp = AT_RBP_AT_RBP, .rbp_offset = 0, .cfa_offset = -8}),
              AT_STEP_RETURN);
    EXPECT_EQ(r_.sp, kStack + 0x400);
    EXPECT_EQ(r_.bp, 0x77u);
}

TEST_F(UnwindStep, FollowsStackPointersThatWereStored) {
    memory_.put(kStack + 0x100 + 152, kStack + 0x500);
    memory_.put(kStack + 0x500, std::uint64_t{0x402000});
    EXPECT_EQ(step({.cfa = AT_CFA_DEREF_RSP, .rbp = AT_RBP_SAME, .rbp_offset = 0, .cfa_offset = 152}),
              AT_STEP_RETURN);
    EXPECT_EQ(r_.sp, kStack + 0x508);
}

TEST_F(UnwindStep, KnowsWhereInALinkageEntryItIs) {
    const at_unwind_recipe plt{.cfa = AT_CFA_PLT, .rbp = AT_RBP_SAME, .rbp_offset = 0, .cfa_offset = 11};
    memory_.put(kStack + 0x100, std::uint64_t{0x402000});
    memory_.put(kStack + 0x108, std::uint64_t{0x403000});
    r_.ip = 0x40100a;
    EXPECT_EQ(step(plt), AT_STEP_RETURN);
    EXPECT_EQ(r_.ip, 0x402000u);
    r_ = {.ip = 0x40100b, .sp = kStack + 0x100, .bp = 0};
    EXPECT_EQ(step(plt), AT_STEP_RETURN);
    EXPECT_EQ(r_.ip, 0x403000u);
}

TEST_F(UnwindStep, ComesOutOfASignalWhereItInterrupted) {
    memory_.put(kStack + 0x100 + 120, std::uint64_t{0xb9});
    memory_.put(kStack + 0x100 + 160, std::uint64_t{0x5000});  // of another stack, and lower
    memory_.put(kStack + 0x100 + 168, std::uint64_t{0x409999});
    EXPECT_EQ(step({.cfa = AT_CFA_SIGNAL, .rbp = 0, .rbp_offset = 0, .cfa_offset = 0}), AT_STEP_EXACT);
    EXPECT_EQ(r_.ip, 0x409999u);
    EXPECT_EQ(r_.sp, 0x5000u);
    EXPECT_EQ(r_.bp, 0xb9u);
}

TEST_F(UnwindStep, TriesFramePointersWhereNothingIsDescribed) {
    memory_.put(kStack + 0x200, kStack + 0x300);
    memory_.put(kStack + 0x208, std::uint64_t{0x402000});
    EXPECT_EQ(step({}), AT_STEP_RETURN);
    EXPECT_EQ(r_.ip, 0x402000u);
    EXPECT_EQ(r_.sp, kStack + 0x210);
    r_.bp = 0x1001;  // data
    EXPECT_EQ(step({}), AT_STEP_NO_RECIPE);
    r_.bp = kStack + kSize;
    EXPECT_EQ(step({}), AT_STEP_NO_RECIPE);
}

TEST_F(UnwindStep, EndsWhereTheStackBegins) {
    EXPECT_EQ(step({.cfa = AT_CFA_END, .rbp = 0, .rbp_offset = 0, .cfa_offset = 0}), AT_STEP_END);
    memory_.put(kStack + 0x100, std::uint64_t{0});
    EXPECT_EQ(step({.cfa = AT_CFA_RSP, .rbp = 0, .rbp_offset = 0, .cfa_offset = 8}), AT_STEP_END);
}

TEST_F(UnwindStep, RefusesStacksThatDoNotGrow) {
    EXPECT_EQ(step({.cfa = AT_CFA_RSP, .rbp = 0, .rbp_offset = 0, .cfa_offset = 0}), AT_STEP_UNREADABLE);
    EXPECT_EQ(step({.cfa = AT_CFA_RSP, .rbp = 0, .rbp_offset = 0, .cfa_offset = -64}), AT_STEP_UNREADABLE);
    r_.bp = kStack;
    EXPECT_EQ(step({.cfa = AT_CFA_RBP, .rbp = 0, .rbp_offset = 0, .cfa_offset = 16}), AT_STEP_UNREADABLE);
}

TEST_F(UnwindStep, EndsOnAnyMemory) {
    std::mt19937_64 random(1);
    for (int round = 0; round < 2'000; ++round) {
        for (std::uint64_t at = 0; at < kSize; at += 8)
            memory_.put(kStack + at, random() % 3 == 0 ? random() : kStack + random() % kSize);
        r_ = {.ip = random(), .sp = kStack + random() % kSize, .bp = kStack + random() % kSize};
        int signals = 0, frames = 0;
        for (;; ++frames) {
            const at_unwind_recipe recipe{.cfa = static_cast<std::uint8_t>(random() % 8),
                                          .rbp = static_cast<std::uint8_t>(random() % 3),
                                          .rbp_offset = static_cast<std::int16_t>(random() % 256),
                                          .cfa_offset = static_cast<std::int32_t>(random() % 256)};
            const std::uint64_t before = r_.sp;
            const at_step what = step(recipe);
            if (what == AT_STEP_EXACT && ++signals < 100) continue;
            if (what != AT_STEP_RETURN) break;
            ASSERT_GT(r_.sp, before);
        }
        ASSERT_LE(frames, 2 * static_cast<int>(kSize) * 100);
    }
}

TEST(Prefixes, CoverExactlyTheRange) {
    EXPECT_EQ(prefixes_of(0x1000, 0x1000), std::vector<AddressPrefix>{});
    EXPECT_EQ(prefixes_of(0x1000, 0x2000), (std::vector<AddressPrefix>{{0x1000, 52}}));
    EXPECT_EQ(prefixes_of(0x3000, 0x9000),
              (std::vector<AddressPrefix>{{0x3000, 52}, {0x4000, 50}, {0x8000, 52}}));
    std::mt19937_64 random(1);
    for (int round = 0; round < 1'000; ++round) {
        const std::uint64_t start = (random() >> 17) & ~0xfffull,
                            end = start + ((random() >> 40) & ~0xfffull);
        std::uint64_t at = start;
        for (const AddressPrefix& p : prefixes_of(start, end)) {
            const std::uint64_t size = std::uint64_t{1} << (64 - p.bits);
            EXPECT_EQ(p.address, at);
            EXPECT_EQ(p.address % size, 0u);
            at += size;
        }
        EXPECT_EQ(at, end);
    }
    EXPECT_EQ(prefixes_of(0, ~std::uint64_t{0}).size(), 64u);
}

}  // namespace
}  // namespace autotune::symbols
