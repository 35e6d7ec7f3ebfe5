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

TEST(Evaluation, WithoutCheckingMistakesFailWhenTheyAreReached) {
    EXPECT_EQ(value("nobody || true"), "true");
    EXPECT_EQ(value("nobody"), "error: undeclared reference to 'nobody' (in container '')");
    EXPECT_EQ(value("1 + 'a'"), "error: no such overload of '_+_' for (int, string)");
    EXPECT_EQ(value("f(1)"), "error: unbound function 'f'");
}

TEST(Evaluation, HasAsksWhetherAVariableWasMeasured) {
    const Environment dotted{{{"fn.p95", Kind::duration}, {"fn.name", Kind::text}}};
    const auto of = [&](std::string_view text) {
        const Compilation c = compile(text, dotted, Checking::full);
        if (!c.program) return c.issues[0].message;
        const auto lookup = [](std::size_t i) {
            return i == 0 ? Value(Unknown{"fn.p95"}) : Value(std::string("a"));
        };
        return to_string(c.program->evaluate(lookup));
    };
    EXPECT_EQ(of("has(fn.p95)"), "false");
    EXPECT_EQ(of("has(fn.name)"), "true");
    EXPECT_EQ(of("!has(fn.p95) || fn.p95 > duration('1s')"), "true");
    EXPECT_EQ(of("has(fn.p59)"), "there is no 'fn.p59'; did you mean 'fn.p95'?");
}

TEST(Evaluation, UnknownElementsLeaveMacrosUnknownUnlessTheRestDecides) {
    EXPECT_EQ(value("[1, 2].exists(i, i == 2 || u)"), "true");
    EXPECT_EQ(value("[1, 2].all(i, i == 2 && u)"), "false");
    EXPECT_EQ(value("[1, 2].all(i, i > 0 && u)"), "unknown: u");
    EXPECT_EQ(value("[1, 2].filter(i, u)"), "unknown: u");
    EXPECT_EQ(value("[1, 2].map(i, u)"), "unknown: u");
    EXPECT_EQ(value("[1, 2].exists_one(i, u)"), "unknown: u");
}

// What compares scalars of one kind is taken a shorter way.
TEST(Evaluation, ComparesScalarsWhereTheyAre) {
    EXPECT_EQ(value("n > 2 && n >= 3 && n < 4 && n <= 3"), "true");
    EXPECT_EQ(value("n < 3 || n > 3"), "false");
    EXPECT_EQ(value("2.5 < 2.5 || 2.5 > 2.5"), "false");
    EXPECT_EQ(value("2.5 <= 2.5 && 2.5 >= 2.5"), "true");
    EXPECT_EQ(value("[0.0 / 0.0].exists(x, x < 1.0 || x <= 1.0 || x > 1.0 || x >= 1.0)"), "false");
    EXPECT_EQ(value("[duration('1s')].all(d, d < duration('2s') && duration('1s') <= d)"), "true");
    EXPECT_EQ(value("[1].all(x, x < [2].map(x, x)[0])"), "true") << "the inner x is another";
    EXPECT_EQ(value("[1, 'a'].exists(x, x > 1)"), "error: no such overload of '_>_' for (string, int)");
    EXPECT_EQ(value("[1, 2u, 3.0].all(x, x > 0)"), "true") << "kinds of numbers are compared as ever";
    EXPECT_EQ(value("1 / 0 < n"), "error: division by zero");
    EXPECT_EQ(value("n < 1 / 0"), "error: division by zero");
    EXPECT_EQ(value("u < 1 / 0"), "unknown: u");
}

TEST(Evaluation, IsBoundedInWhatItCosts) {
    const std::string ten = "[0,1,2,3,4,5,6,7,8,9]";
    std::string loops = "true", twice = "[0]", text = "'aaaaaaaaaaaaaaaa'";
    for (int i = 0; i < 8; ++i) loops = ten + ".all(x" + std::to_string(i) + ", " + loops + ")";
    EXPECT_EQ(value(loops), "error: the evaluation costs more than 1000000 steps");
    // Each name is the one before it, twice: written out it has 2^40 elements.
    for (int i = 0; i < 40; ++i) {
        twice = "cel.bind(a, " + twice + ", [a, a])";
        text = "cel.bind(t, " + text + ", t + t)";
    }
    EXPECT_EQ(value(twice + " == []"), "error: the evaluation costs more than 1000000 steps");
    EXPECT_EQ(value("size(" + text + ")"), "error: the result is too large");
    std::string deep = "[[[[[[[[[[0]]]]]]]]]]";
    for (int i = 0; i < 60; ++i) deep = "cel.bind(d, " + deep + ", [[[[[[[[[[d]]]]]]]]]])";
    EXPECT_EQ(value(deep), "error: the value is nested deeper than 500 levels");
}

// A pattern that is not written out is compiled at each evaluation, which takes far longer than a step.
TEST(Evaluation, CompilingPatternsIsCharged) {
    const auto thousand = [](const std::string& pattern) {
        std::string out = "!'x'.matches(p)";
        for (const char* i : {"i", "j", "k"})
            out = "[0,1,2,3,4,5,6,7,8,9].all(" + std::string(i) + ", " + out + ")";
        return value("cel.bind(p, r'" + pattern + "', " + out + ")");
    };
    EXPECT_EQ(thousand("^orders.*$"), "true");
    EXPECT_EQ(thousand("^[0-9]{4}-"), "true");
    for (const char* costly : {R"(\pN)", "[0-9]{1000}", "(([0-9]{10}){10}){10}", "y{1,999}"})
        EXPECT_EQ(thousand(costly), "error: the evaluation costs more than 1000000 steps") << costly;
}

TEST(Program, KnowsWhichVariablesItNames) {
    const Compilation c = compile("name == 'a' && n > 1 && n < 5", kEnvironment, Checking::full);
    ASSERT_TRUE(c.program);
    EXPECT_EQ(c.program->variables(), (std::vector<std::size_t>{1, 2}));
}

}  // namespace
}  // namespace autotune::cel
