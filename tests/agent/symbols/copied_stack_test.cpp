#include "agent/symbols/copied_stack.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <map>

namespace autotune::symbols {
namespace {

using unwind::CfaRule;
using unwind::RbpRule;
using unwind::Recipe;

constexpr std::uint64_t kBase = 0x7ffd0000;

// Three functions: the leaf at 0x1000 keeps 16 bytes, its caller at 0x2000 has a frame pointer, 0x3000 is the start.
const std::map<std::uint64_t, Recipe> kRecipes{
    {0x1000, {CfaRule::rsp, RbpRule::same, 0, 24}},
    {0x2000, {CfaRule::rbp, RbpRule::at_cfa, -16, 16}},
    {0x3000, {CfaRule::end, RbpRule::same, 0, 0}},
};

std::optional<Recipe> recipe_at(std::uint64_t address) {
    const auto found = kRecipes.find(address & ~std::uint64_t{0xfff});
    return found == kRecipes.end() ? std::nullopt : std::optional(found->second);
}

CopiedStack stack() {
    CopiedStack s{.at_ns = 7, .thread = 8, .ip = 0x1010, .sp = kBase + 0x100, .bp = kBase + 0x180, .base = kBase, .bytes = {}};
    s.bytes.resize(0x1000);
    const auto put = [&](std::uint64_t address, std::uint64_t word) {
        std::memcpy(s.bytes.data() + (address - kBase), &word, sizeof word);
    };
    put(kBase + 0x110, 0x2000);
    put(kBase + 0x180, 0);
    put(kBase + 0x188, 0x3020);
    return s;
}

TEST(CopiedStack, IsWalkedToTheStart) {
    CopiedStack s = stack();
    std::uint64_t to = 0x2005;
    std::memcpy(s.bytes.data() + 0x110, &to, sizeof to);
    const WalkedStack walked = walk_copied(s, recipe_at);
    EXPECT_EQ(walked.frames, (std::vector<std::uint64_t>{0x1010, 0x2005, 0x3020}));
    EXPECT_EQ(walked.result, AT_NATIVE_WHOLE);
}

TEST(CopiedStack, TakesAReturnAddressForTheCallBeforeIt) {
    // 0x2000 - 1 is of the function before, which goes by the stack pointer and finds no caller; 0x2000 itself would
    // go by the frame pointer to 0x3020.
    EXPECT_EQ(walk_copied(stack(), recipe_at).frames, (std::vector<std::uint64_t>{0x1010, 0x2000}));
}

TEST(CopiedStack, EndsWithTheCopy) {
    CopiedStack s = stack();
    s.bytes.resize(0x110);
    const WalkedStack walked = walk_copied(s, recipe_at);
    EXPECT_EQ(walked.frames, (std::vector<std::uint64_t>{0x1010}));
    EXPECT_EQ(walked.result, AT_NATIVE_UNREADABLE);
}

TEST(CopiedStack, SaysWhereNoTableWas) {
    CopiedStack s = stack();
    s.ip = 0x9000;
    s.bp = 0;
    EXPECT_EQ(walk_copied(s, recipe_at).result, AT_NATIVE_UNMAPPED);
}

TEST(CopiedStack, IsDecodedAndChecked) {
    std::vector<std::byte> record(sizeof(at_stack_copy));
    auto* copy = reinterpret_cast<at_stack_copy*>(record.data());
    copy->at_ns = 3;
    copy->pages = 2;
    copy->base = kBase;
    const auto decoded = decode_copied_stack(record);
    ASSERT_TRUE(decoded);
    EXPECT_EQ(decoded->at_ns, 3u);
    EXPECT_EQ(decoded->bytes.size(), 2u * AT_COPY_PAGE);
    copy->pages = AT_COPY_PAGES + 1;
    EXPECT_EQ(decode_copied_stack(record).error().code, Errc::corrupt);
    record.pop_back();
    EXPECT_EQ(decode_copied_stack(record).error().code, Errc::corrupt);
}

}  // namespace
}  // namespace autotune::symbols
