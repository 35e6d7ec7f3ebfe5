#include "agent/logs/line_splitter.hpp"

#include <gtest/gtest.h>

namespace autotune::logs {
namespace {

TEST(LineSplitter, PutsLinesTogetherFromPieces) {
    LineSplitter splitter;
    EXPECT_TRUE(splitter.add("ab").empty());
    const auto lines = splitter.add("c\r\nd\n\nef");
    ASSERT_EQ(lines.size(), 3U);
    EXPECT_EQ(lines[0].text, "abc");
    EXPECT_EQ(lines[1].text, "d");
    EXPECT_EQ(lines[2].text, "");
    EXPECT_EQ(lines[2].number, 3U);
    const auto rest = splitter.rest();
    ASSERT_EQ(rest.size(), 1U);
    EXPECT_EQ(rest[0].text, "ef");
    EXPECT_EQ(rest[0].number, 4U);
    EXPECT_TRUE(splitter.rest().empty());
}

TEST(LineSplitter, KeepsTheBeginningOfALineWithoutEnd) {
    LineSplitter splitter;
    const std::string much(LineSplitter::kLongest, 'x');
    EXPECT_TRUE(splitter.add(much).empty());
    EXPECT_TRUE(splitter.add(much).empty());
    const auto lines = splitter.add("\nshort\n");
    ASSERT_EQ(lines.size(), 2U);
    EXPECT_TRUE(lines[0].is_too_long);
    EXPECT_EQ(lines[0].text.size(), LineSplitter::kLongest);
    EXPECT_FALSE(lines[1].is_too_long);
}

}  // namespace
}  // namespace autotune::logs
