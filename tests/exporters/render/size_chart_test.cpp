#include "exporters/render/size_chart.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace autotune::render {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::size_t count(const std::string& text, const std::string& what) {
    std::size_t n = 0;
    for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += what.size()) ++n;
    return n;
}

TEST(SizeChart, DrawsTimeAndCostWithWhatWasMeasured) {
    const SizeChart chart{.title = "512 MB <best>",
                          .curve = {{128, 400, 380, 420}, {512, 100, 90, 120}, {2048, 60, 50, 70}},
                          .calls = {{128, 401, true}, {64, 3, false}, {512, 99, true}},
                          .chosen_mb = 512};
    const std::string svg = size_svg(chart);
    EXPECT_THAT(svg, HasSubstr("512 MB &lt;best&gt;"));
    EXPECT_EQ(count(svg, "<polyline"), 2u);
    EXPECT_EQ(count(svg, "<circle"), 4u);
    EXPECT_EQ(count(svg, ">×<"), 2u);
    EXPECT_EQ(count(svg, ">512 MB<"), 2u);
    EXPECT_THAT(svg, HasSubstr("GB-s a call"));
    SizeChart priced = chart;
    priced.usd_per_gb_s = 0.0000166667;
    EXPECT_THAT(size_svg(priced), HasSubstr("USD for a million calls"));
    EXPECT_EQ(svg, size_svg(chart));
}

TEST(SizeChart, DrawsLittleAndNothing) {
    for (const SizeChart& chart :
         {SizeChart{}, SizeChart{.title = "one", .curve = {{128, 0, 0, 0}}, .calls = {}},
          SizeChart{.title = "failed", .curve = {}, .calls = {{128, 0, false}}}}) {
        const std::string svg = size_svg(chart);
        EXPECT_THAT(svg, Not(HasSubstr("nan")));
        EXPECT_THAT(svg, Not(HasSubstr("inf")));
        EXPECT_THAT(svg, HasSubstr("</svg>"));
    }
}

}  // namespace
}  // namespace autotune::render
