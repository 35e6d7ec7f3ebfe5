#include "exporters/metrics/label.hpp"

#include <gtest/gtest.h>

#include "exporters/metrics/name_limit.hpp"
#include "exporters/metrics/recent_peak.hpp"

namespace autotune::exporters {
namespace {

TEST(LabelValue, LeavesGoodNamesAlone) {
    EXPECT_EQ(label_value(""), "");
    EXPECT_EQ(label_value("orders-ü€😀"), "orders-ü€😀");
    EXPECT_EQ(label_value(std::string(128, 'x')), std::string(128, 'x'));
}

TEST(LabelValue, ReplacesWhatIsNotUtf8) {
    EXPECT_EQ(label_value("a\xff"
                          "b"),
              "a?b");
    EXPECT_EQ(label_value("\xc0\xaf"), "??") << "overlong";
    EXPECT_EQ(label_value("\xed\xa0\x80"), "???") << "a surrogate";
    EXPECT_EQ(label_value("\xf4\x90\x80\x80"), "????") << "beyond U+10FFFF";
    EXPECT_EQ(label_value("end\xe2\x82"), "end??") << "cut in a character";
}

TEST(LabelValue, CutsLongNamesBetweenCharacters) {
    EXPECT_EQ(label_value(std::string(129, 'x')), std::string(125, 'x') + "…");
    std::string euros;
    for (int i = 0; i < 60; ++i) euros += "€";
    const std::string cut = label_value("a" + euros);
    EXPECT_LE(cut.size(), 128u);
    EXPECT_EQ(cut.size() % 3, 1u) << "whole characters";
    EXPECT_TRUE(cut.ends_with("€…"));
}

TEST(NameLimit, AdmitsTheFirstAndFoldsTheRest) {
    NameLimit names(2);
    EXPECT_EQ(names.admit("a"), "a");
    EXPECT_EQ(names.admit("b"), "b");
    EXPECT_EQ(names.admit("c"), "_other");
    EXPECT_EQ(names.admit("a"), "a");
    EXPECT_EQ(names.folded(), 1u);
}

TEST(RecentPeak, IsTheLargestOfTheWindow) {
    const auto at = [](int s) { return WallTime(std::chrono::seconds(s)); };
    RecentPeak peak(std::chrono::seconds(10));
    EXPECT_EQ(peak.at(at(0)), 0u);
    peak.see(at(1), 5);
    peak.see(at(2), 9);
    peak.see(at(3), 7);
    EXPECT_EQ(peak.at(at(12)), 9u);
    EXPECT_EQ(peak.at(at(13)), 7u);
    EXPECT_EQ(peak.at(at(99)), 7u);
    peak.see(at(50), 4);
    peak.see(at(30), 3);  // the clock went back: counts as of the latest time seen
    EXPECT_EQ(peak.at(at(55)), 4u);
    EXPECT_EQ(peak.at(at(61)), 3u);
}

}  // namespace
}  // namespace autotune::exporters
