#include <gtest/gtest.h>

#include "rules/cel/program.hpp"

namespace autotune::cel {
namespace {

using namespace std::chrono_literals;

// u: not measured; n: 3; e: an error.
const Environment kEnvironment{{{"u", Kind::dyn}, {"n", Kind::integer}, {"name", Kind::text}}};

std::string value(std::string_view text) {
    const Compilation c = compile(text, kEnvironment, Checking::none);
    if (!c.program) return "does not parse: " + c.issues[0].message;
    return to_string(c.program->evaluate([](std::size_t variable) -> Value {
        if (variable == 0) return Unknown{"u"};
        if (variable == 1) return std::int64_t{3};
        return std::string("orders");
    }));
}

TEST(Evaluation, WhatIsUnknownStaysUnknownUnlessTheRestDecides) {
    EXPECT_EQ(value("u > 1"), "unknown: u");
    EXPECT_EQ(value("u || true"), "true");
    EXPECT_EQ(value("true || u"), "true");
    EXPECT_EQ(value("u && false"), "false");
    EXPECT_EQ(value("u || false"), "unknown: u");
    EXPECT_EQ(value("u && true"), "unknown: u");
    EXPECT_EQ(value("!u"), "unknown: u");
    EXPECT_EQ(value("u ? 1 : 2"), "unknown: u");
    EXPECT_EQ(value("false ? u : 2"), "2");
    EXPECT_EQ(value("n in [u, 3]"), "unknown: u");
}

TEST(Evaluation, UnknownOutweighsAnError) {
    EXPECT_EQ(value("u + 1 / 0"), "unknown: u");
    EXPECT_EQ(value("1 / 0 > 1 || u"), "unknown: u");
}

TEST(Evaluation, ErrorsAreAbsorbedLikeUnknowns) {
    EXPECT_EQ(value("1 / 0 > 1 || true"), "true");
    EXPECT_EQ(value("false && 1 / 0 > 1"), "false");
    EXPECT_EQ(value("1 / 0 > 1 || false"), "error: division by zero");
}

TEST(Evaluation, IntegersNeverWrap) {
    EXPECT_EQ(value("9223372036854775807 + 1"), "error: integer overflow");
    EXPECT_EQ(value("-(-9223372036854775808)"), "error: integer overflow");
    EXPECT_EQ(value("0u - 1u"), "error: integer overflow");
    EXPECT_EQ(value("-7 / 2"), "-3");
    EXPECT_EQ(value("-7 % 2"), "-1");
    EXPECT_EQ(value("1.0 / 0.0"), "+infinity");
}

TEST(Evaluation, DurationsAddAndCompare) {
    EXPECT_EQ(value("duration('1m') + duration('30s')"), "duration(\"90s\")");
    EXPECT_EQ(value("duration('1m') > duration('59s')"), "true");
    EXPECT_EQ(value("duration('9223372036s') + duration('1s')"), "error: duration out of range");
}

TEST(Evaluation, StringsAreCountedInCodePoints) {
    EXPECT_EQ(value("size('\u03c0\u03ad')"), "2");
    EXPECT_EQ(value("name.startsWith('ord') && name.endsWith('ers') && name.contains('de')"), "true");
    EXPECT_EQ(value("name.matches('^o.*s$')"), "true");
    EXPECT_EQ(value("name in ['orders', 'payments']"), "true");
}

TEST(Evaluation, ConversionsRefuseWhatDoesNotFit) {
    EXPECT_EQ(value("double(n) / 2.0"), "1.5");
    EXPECT_EQ(value("int(1e19)"), "error: 1e+19 is outside the range of int");
    EXPECT_EQ(value("uint(-1)"), "error: -1 is outside the range of uint");
    EXPECT_EQ(value("int('12') + int(2.9)"), "14");
    EXPECT_EQ(value("string(n) + string(1u) + string(true)"), "\"31true\"");
    EXPECT_EQ(value("int('')"), "error: \"\" is not a number of this type");
}

TEST(Evaluation, WithoutCheckingMistakesFailWhenTheyAreReached) {
    EXPECT_EQ(value("nobody || true"), "true");
    EXPECT_EQ(value("nobody"), "error: undeclared reference to 'nobody'");
    EXPECT_EQ(value("1 + 'a'"), "error: no such overload of '_+_'");
    EXPECT_EQ(value("f(1)"), "error: no such overload of 'f'");
    EXPECT_EQ(value("[1][5]"), "error: index 5 is outside a list of 1");
}

TEST(Program, KnowsWhichVariablesItNames) {
    const Compilation c = compile("name == 'a' && n > 1 && n < 5", kEnvironment, Checking::full);
    ASSERT_TRUE(c.program);
    EXPECT_EQ(c.program->variables(), (std::vector<std::size_t>{1, 2}));
}

}  // namespace
}  // namespace autotune::cel
