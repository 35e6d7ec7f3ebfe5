#include "rules/cel/duration.hpp"

#include <gtest/gtest.h>

namespace autotune::cel {
namespace {

using namespace std::chrono_literals;

TEST(Duration, IsASumOfNumbersWithUnits) {
    EXPECT_EQ(parse_duration("1h30m"), 90min);
    EXPECT_EQ(parse_duration("250ms"), 250ms);
    EXPECT_EQ(parse_duration("1.5s"), 1500ms);
    EXPECT_EQ(parse_duration("-1.5h"), -90min);
    EXPECT_EQ(parse_duration("0"), 0s);
    EXPECT_EQ(parse_duration("7us"), 7us);
    EXPECT_EQ(parse_duration("7\u00b5s"), 7us);
    EXPECT_EQ(parse_duration("0.000000001s"), 1ns);
}

TEST(Duration, RefusesEverythingElse) {
    for (const char* text :
         {"", "15", "m", "15 m", "1h 30m", "1d", "--1s", "1s2", ".s", "1e3s", "300000000000s"})
        EXPECT_FALSE(parse_duration(text)) << text;
}

TEST(Duration, IsPrintedExactly) {
    EXPECT_EQ(format_duration(90s), "90s");
    EXPECT_EQ(format_duration(250ms), "0.25s");
    EXPECT_EQ(format_duration(-1s - 1ns), "-1.000000001s");
    EXPECT_EQ(format_duration(Nanos::min()), "-9223372036.854775808s");
}

}  // namespace
}  // namespace autotune::cel
