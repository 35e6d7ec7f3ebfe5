#include <gtest/gtest.h>

#include "rules/cel/instant.hpp"
#include "rules/cel/zone.hpp"

namespace autotune::cel {
namespace {

using namespace std::chrono_literals;

std::int64_t at(std::string_view text) { return parse_instant(text)->seconds; }

TEST(Instant, IsReadAndWrittenAsRfc3339) {
    EXPECT_EQ(format_instant(*parse_instant("2009-02-13T23:31:30Z")), "2009-02-13T23:31:30Z");
    EXPECT_EQ(format_instant(*parse_instant("2009-02-14t01:31:30.120+02:00")), "2009-02-13T23:31:30.12Z");
    EXPECT_EQ(format_instant({kFirstSecond, 1}), "0001-01-01T00:00:00.000000001Z");
    for (const char* wrong :
         {"", "2009-02-13", "2009-02-13T23:31Z", "2009-2-13T23:31:30Z", "2009-02-13T24:00:00Z",
          "2009-02-29T00:00:00Z", "2009-02-13T23:31:30", "2009-02-13T23:31:30.Z", "0000-12-31T00:00:00Z",
          "9999-12-31T23:59:59-01:00", "2009-02-13T23:31:30Zx"})
        EXPECT_FALSE(parse_instant(wrong)) << wrong;
}

TEST(Instant, IsMovedExactly) {
    EXPECT_EQ(plus({0, 0}, -1ns), (Instant{-1, 999'999'999}));
    EXPECT_EQ(plus({0, 999'999'999}, 1ns), (Instant{1, 0}));
    EXPECT_EQ(plus({kLastSecond, 0}, 1s), std::nullopt);
    EXPECT_EQ(between({0, 1}, {2, 0}), Nanos(1'999'999'999));
    EXPECT_EQ(between({kFirstSecond, 0}, {kLastSecond, 0}), std::nullopt);
}

TEST(Zone, NumbersAreHoursAndMinutes) {
    EXPECT_EQ(zone_offset("+11:00", 0), 39600);
    EXPECT_EQ(zone_offset("-02:30", 0), -9000);
    EXPECT_EQ(zone_offset("-00:30", 0), -1800);
    EXPECT_EQ(zone_offset("02:00", 0), 7200);
    for (const char* wrong :
         {"", "+1:00", "24:00", "+11:60", "/etc/passwd", "../zoneinfo/UTC", "Nowhere/Else"})
        EXPECT_FALSE(zone_offset(wrong, 0)) << wrong;
}

TEST(Zone, RulesGoOnBeyondTheTables) {
    constexpr const char* kChicago = "CST6CDT,M3.2.0,M11.1.0";
    EXPECT_EQ(posix_offset(kChicago, at("2050-03-13T07:59:59Z")), -6 * 3600);
    EXPECT_EQ(posix_offset(kChicago, at("2050-03-13T08:00:00Z")), -5 * 3600);
    EXPECT_EQ(posix_offset(kChicago, at("2050-11-06T06:59:59Z")), -5 * 3600);
    EXPECT_EQ(posix_offset(kChicago, at("2050-11-06T07:00:00Z")), -6 * 3600);
    // Summer over the turn of the year.
    constexpr const char* kSydney = "AEST-10AEDT,M10.1.0,M4.1.0/3";
    EXPECT_EQ(posix_offset(kSydney, at("2050-01-01T00:00:00Z")), 11 * 3600);
    EXPECT_EQ(posix_offset(kSydney, at("2050-07-01T00:00:00Z")), 10 * 3600);
    EXPECT_EQ(posix_offset("<+0545>-5:45", 0), 20700);
    for (const char* wrong :
         {"", "A", "CST6CDT", "CST6CDT,J60,J300", "CST6CDT,M13.1.0,M1.1.0", "CST6CDT,M3.2.0,M11.1.0x"})
        EXPECT_FALSE(posix_offset(wrong, 0)) << wrong;
}

// A TZif file of version 2 with one transition at 1000 from +1 h to +2 h, and a rule of +3 h behind it.
std::string tzif(std::string_view footer) {
    const auto number = [](std::uint64_t value, int bytes) {
        std::string out;
        for (int i = bytes - 1; i >= 0; --i) out += static_cast<char>(value >> (8 * i));
        return out;
    };
    const auto header = [&](std::uint64_t times, std::uint64_t types) {
        std::string out = "TZif2" + std::string(15, '\0');
        for (const std::uint64_t count :
             {std::uint64_t{0}, std::uint64_t{0}, std::uint64_t{0}, times, types, std::uint64_t{4}})
            out += number(count, 4);
        return out;
    };
    std::string out = header(0, 1) + number(0, 6) + std::string(4, '\0');
    out += header(1, 2) + number(1000, 8) + '\1';
    out += number(3600, 4) + std::string(2, '\0') + number(7200, 4) + std::string(2, '\0') +
           std::string(4, '\0');
    return out + std::string(footer);
}

TEST(Zone, TablesSayWhatHeldWhen) {
    const std::string plain = tzif("\n\n");
    EXPECT_EQ(tzif_offset(plain, 999), 3600);
    EXPECT_EQ(tzif_offset(plain, 1000), 7200);
    EXPECT_EQ(tzif_offset(tzif("\nX<3>\n"), 1000), 7200) << "a rule that is not understood";
    EXPECT_EQ(tzif_offset(tzif("\nABC-3\n"), 1000), 3 * 3600);
    for (std::size_t length = 0; length + 2 < plain.size(); ++length)
        EXPECT_FALSE(tzif_offset(plain.substr(0, length), 0)) << length;
}

}  // namespace
}  // namespace autotune::cel
