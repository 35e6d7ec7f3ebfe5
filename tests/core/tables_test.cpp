#include "core/tables.hpp"

#include <gtest/gtest.h>

namespace autotune {
namespace {

TEST(StringTable, GivesOneIdToOneText) {
    StringTable t;
    const StringId a = t.intern("orders");
    EXPECT_EQ(t.intern(std::string("orders")), a);
    EXPECT_NE(t.intern("payments"), a);
    EXPECT_EQ(t[a], "orders");
    EXPECT_EQ(t[StringId{}], "");
    EXPECT_EQ(t.intern(""), StringId{});
}

TEST(StringTable, CountsWhatNoLongerFits) {
    StringTable t(3);
    const StringId kept = t.intern("a");
    const StringId lost = t.intern("b");
    EXPECT_EQ(t[kept], "a");
    EXPECT_EQ(t[lost], "(too many names)");
    EXPECT_EQ(t.intern("a"), kept);
    EXPECT_EQ(t.overflowed(), 1u);
}

TEST(FrameTable, TellsLinesApart) {
    FrameTable t;
    const FrameId one = t.intern({.name = StringId(5), .line = 1});
    EXPECT_NE(t.intern({.name = StringId(5), .line = 2}), one);
    EXPECT_EQ(t.intern({.name = StringId(5), .line = 1}), one);
    EXPECT_EQ(t[one].line, 1u);
    EXPECT_EQ(t.intern({}), FrameId{});
}

TEST(StackTable, KeepsOrderAndSurvivesGrowth) {
    StackTable t;
    const std::vector<FrameId> ab{FrameId(2), FrameId(3)};
    const std::vector<FrameId> ba{FrameId(3), FrameId(2)};
    const StackId first = t.intern(ab);
    for (std::uint32_t i = 10; i < 5000; ++i) t.intern(std::vector{FrameId(i)});
    EXPECT_NE(t.intern(ba), first);
    EXPECT_EQ(t.intern(ab), first);
    EXPECT_EQ(std::vector(t[first].begin(), t[first].end()), ab);
    EXPECT_TRUE(t[StackId{}].empty());
}

TEST(StackTable, CountsWhatNoLongerFits) {
    StackTable t(2);
    EXPECT_EQ(t.intern(std::vector{FrameId(9)}), StackId(1));
    EXPECT_EQ(t.overflowed(), 1u);
}

}  // namespace
}  // namespace autotune
