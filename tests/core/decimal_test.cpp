#include "core/decimal.hpp"

#include <gtest/gtest.h>

namespace autotune {
namespace {

Decimal of(std::string_view text) {
    const auto value = Decimal::parse(text);
    EXPECT_TRUE(value) << text;
    return value.value_or(Decimal());
}

TEST(Decimal, ReadsAndWritesWhatPeopleWrite) {
    EXPECT_EQ(of("0.0000166667").text(), "0.0000166667");
    EXPECT_EQ(of("1.67e-5").text(), "0.0000167");
    EXPECT_EQ(of("-12").text(), "-12");
    EXPECT_EQ(of("6e9").text(), "6000000000");
    EXPECT_EQ(of("0.10").text(), "0.1");
    EXPECT_EQ(of("0.000000000000000001").text(), "0.000000000000000001");
    EXPECT_EQ(of("0.1000000000000000000000").text(), "0.1");
    EXPECT_EQ(of("0e5").text(), "0");
    EXPECT_EQ(of("1e20").text(), "100000000000000000000");
}

TEST(Decimal, RefusesWhatIsNoNumberOrDoesNotFit) {
    for (const char* text :
         {"", "-", ".5", "1.", "1e", "1e+", "x", "1 ", "0x1", "1,5", "--1", "nan", "1e1001",
          "0.0000000000000000001", "2e20", "999999999999999999999999999999999999999999"})
        EXPECT_FALSE(Decimal::parse(text)) << text;
}

TEST(Decimal, CountsExactlyWhereDoublesDoNot) {
    EXPECT_EQ(of("0.1") + of("0.2"), of("0.3"));
    EXPECT_EQ(of("3000000") * of("0.0000002"), of("0.6"));
    EXPECT_EQ(of("123456789012.25") * of("0.0000166667"), of("2057617.265430467075"));
    EXPECT_EQ(of("-2") * of("0.5"), Decimal(-1));
    EXPECT_EQ(Decimal(10) - of("0.01"), of("9.99"));
}

TEST(Decimal, ProductsWithManyDigitsAreThoseOfLongMultiplication) {
    // 98765432109.876543210987654321 * 1234567.890123456789, as a library of big numbers has it.
    EXPECT_EQ((of("98765432109.876543210987654321") * of("1234567.890123456789")).text(),
              "121932631137021795.224965706422374638");
}

TEST(Decimal, QuotientsAreCutBehindTheEighteenthDigit) {
    EXPECT_EQ((Decimal(1) / Decimal(3)).text(), "0.333333333333333333");
    EXPECT_EQ((Decimal(-2) / Decimal(3)).text(), "-0.666666666666666666");
    EXPECT_EQ(Decimal(6'000'000) / Decimal(2'000'000), Decimal(3));
    EXPECT_EQ((of("100000000000000000000") / of("0.5")).too_large(), true);
    EXPECT_EQ(Decimal(1) / Decimal(1024), of("0.0009765625"));
}

TEST(Decimal, BeyondItsRangeItSaysSoForGood) {
    const Decimal most = of("1e20");
    EXPECT_FALSE(most.too_large());
    EXPECT_TRUE((most + most).too_large());
    EXPECT_TRUE((most * Decimal(2)).too_large());
    EXPECT_TRUE((most * most - most * most).too_large());
    EXPECT_TRUE((most.negative() + most.negative()).too_large());
    EXPECT_EQ((most + most).text(2), "above 1.7e20");
}

TEST(Decimal, RoundsHalvesAwayFromZeroAsBillsDo) {
    EXPECT_EQ(of("0.005").text(2), "0.01");
    EXPECT_EQ(of("0.004999999999999999").text(2), "0.00");
    EXPECT_EQ(of("-0.005").text(2), "-0.01");
    EXPECT_EQ(of("1234.5").text(2), "1234.50");
    EXPECT_EQ(of("0.5").text(0), "1");
    EXPECT_EQ(of("9.999").text(2), "10.00");
}

TEST(Decimal, CeilingOfWholesIsTheyThemselves) {
    EXPECT_EQ(Decimal(2).ceiling(), Decimal(2));
    EXPECT_EQ(of("2.000000000000000001").ceiling(), Decimal(3));
    EXPECT_EQ(of("-1.5").ceiling(), Decimal(-1));
    EXPECT_EQ(Decimal().ceiling(), Decimal());
}

}  // namespace
}  // namespace autotune
