#include "agent/unwind/unwind_table.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <random>

#include "agent/unwind/elf_frames.hpp"
#include "os/fd.hpp"

namespace autotune::unwind {
namespace {

Recipe rsp(std::int32_t offset) { return {.cfa = CfaRule::rsp, .cfa_offset = offset}; }

TEST(UnwindTable, FindsTheRowThatHolds) {
    RecipeBook book;
    const std::vector<FrameRow> rows{
        {0x1000, rsp(8)}, {0x1004, rsp(16)}, {0x1100, {}}, {0x1200, rsp(8)}, {0x1300, {}}};
    const UnwindTable table = pack(rows, book);
    EXPECT_EQ(table.find(0xfff), 0u);
    EXPECT_EQ(book.recipes()[table.find(0x1000)], rsp(8));
    EXPECT_EQ(book.recipes()[table.find(0x1003)], rsp(8));
    EXPECT_EQ(book.recipes()[table.find(0x10ff)], rsp(16));
    EXPECT_EQ(table.find(0x1100), 0u);
    EXPECT_EQ(book.recipes()[table.find(0x12ff)], rsp(8));
    EXPECT_EQ(table.find(0x1300), 0u);
    EXPECT_EQ(table.find(0x99999999), 0u);
    EXPECT_EQ(book.recipes().size(), 3u);  // shared
}

TEST(UnwindTable, CarriesAFunctionOverPages) {
    RecipeBook book;
    const std::vector<FrameRow> rows{
        {0x1fff0, rsp(8)}, {0x50000, rsp(16)}, {0x50010, {}}, {0x90000, rsp(24)}, {0x90001, {}}};
    const UnwindTable table = pack(rows, book);
    for (const std::uint64_t address : {0x1fff0, 0x20000, 0x2ffff, 0x3abcd, 0x4ffff})
        EXPECT_EQ(book.recipes()[table.find(address)], rsp(8)) << std::hex << address;
    EXPECT_EQ(book.recipes()[table.find(0x50000)], rsp(16));
    EXPECT_EQ(table.find(0x50010), 0u);
    EXPECT_EQ(table.find(0x60000), 0u);
    EXPECT_EQ(book.recipes()[table.find(0x90000)], rsp(24));
    EXPECT_EQ(table.pages.size(), 6u);  // 1…5 and 9
}

TEST(UnwindTable, CountsRecipesThatFindNoRoom) {
    RecipeBook book;
    std::vector<FrameRow> rows;
    for (std::int32_t i = 0; i < 20'000; ++i) rows.push_back({static_cast<std::uint64_t>(i) * 4, rsp(i)});
    const UnwindTable table = pack(rows, book);
    EXPECT_EQ(book.recipes().size(), kMostRecipes);
    EXPECT_EQ(table.dropped, 20'000 - (kMostRecipes - 1));
    EXPECT_EQ(table.find(19'999 * 4), 0u);
}

TEST(UnwindTable, DoesNotBelieveFunctionsOfTerabytes) {
    RecipeBook book;
    const std::vector<FrameRow> rows{{0x1000, rsp(8)}, {1ull << 46, rsp(16)}, {(1ull << 46) + 8, {}}};
    const UnwindTable table = pack(rows, book);
    EXPECT_EQ(table.dropped, 2u);
    EXPECT_EQ(book.recipes()[table.find(0x1000)], rsp(8));
    EXPECT_LE(table.bytes(), 100u);
}

TEST(UnwindTable, OfALibrarySaysWhatItsRowsSay) {
    const Fd fd(open("/lib/x86_64-linux-gnu/libc.so.6", O_RDONLY | O_CLOEXEC));
    const auto read = read_elf_frames(fd.get());
    if (!read) GTEST_SKIP() << "no C library where Debian has it";
    RecipeBook book;
    const FrameRows* frames = &read->frames;
    const UnwindTable table = pack(frames->rows, book);
    for (std::size_t i = 0; i + 1 < frames->rows.size(); ++i) {
        const FrameRow& row = frames->rows[i];
        for (const std::uint64_t address : {row.address, (row.address + frames->rows[i + 1].address) / 2})
            ASSERT_EQ(book.recipes()[table.find(address)], row.recipe) << std::hex << address;
    }
    EXPECT_LT(book.recipes().size(), 2'000u);
    RecordProperty("rows", static_cast<int>(table.rows.size()));
    RecordProperty("bytes", static_cast<int>(table.bytes()));
}

}  // namespace
}  // namespace autotune::unwind
