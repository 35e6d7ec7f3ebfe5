#include "rules/cel/checker.hpp"

#include <gtest/gtest.h>

#include "rules/cel/program.hpp"

namespace autotune::cel {
namespace {

const Environment kEnvironment{{{"fn.oom_count", Kind::integer},
                                {"fn.rate", Kind::number},
                                {"fn.p95", Kind::duration},
                                {"fn.name", Kind::text},
                                {"x", Kind::dyn}}};

// The type, or the issues: "offset: message".
std::string checked(std::string_view text) {
    const Compilation c = compile(text, kEnvironment, Checking::full);
    if (c.program) return to_string(c.program->type());
    std::string out;
    for (const Issue& i : c.issues)
        out += (out.empty() ? "" : " | ") + std::to_string(i.offset) + ": " + i.message;
    return out;
}

TEST(Checker, FindsTheTypeOfAnExpression) {
    EXPECT_EQ(checked("fn.oom_count > 0"), "bool");
    EXPECT_EQ(checked("fn.oom_count + 1"), "int");
    EXPECT_EQ(checked("fn.p95 - duration('1s')"), "duration");
    EXPECT_EQ(checked("[1, 2]"), "list(int)");
    EXPECT_EQ(checked("[1, 'a'][0]"), "dyn");
    EXPECT_EQ(checked("fn.rate > 0.5 ? 'a' : fn.name"), "string");
    EXPECT_EQ(checked("x + 1"), "int");
}

TEST(Checker, ComparesNumbersOfDifferentTypesButDoesNotMixThem) {
    EXPECT_EQ(checked("fn.rate > 1"), "bool");
    EXPECT_EQ(checked("fn.rate == 1"),
              "8: '==' does not take double and int; numbers of different types do not mix "
              "here: write 1.0 for 1, or double(…)");
    EXPECT_EQ(checked("fn.rate * 2"),
              "8: '*' does not take double and int; numbers of different types do not mix "
              "here: write 1.0 for 1, or double(…)");
    EXPECT_EQ(checked("double(fn.oom_count) / 2.0 > fn.rate"), "bool");
}

TEST(Checker, ComparesDurationsOnlyWithDurations) {
    EXPECT_EQ(checked("fn.p95 > duration('5s')"), "bool");
    EXPECT_EQ(checked("fn.p95 > 5"),
              "7: '>' does not take duration and int; a duration is written duration(\"5s\")");
    EXPECT_EQ(checked("fn.p95 > '5s'"),
              "7: '>' does not take duration and string; a duration is written duration(\"5s\")");
    EXPECT_EQ(checked("duration('5 s') < fn.p95"),
              "9: '5 s' is no duration; durations look like \"1h30m\", \"250ms\"");
}

TEST(Checker, SuggestsTheNameThatWasMeant) {
    EXPECT_EQ(checked("fn.oom_cuont > 0"), "3: there is no 'fn.oom_cuont'; did you mean 'fn.oom_count'?");
    EXPECT_EQ(checked("fm.p95 > duration('1s')"), "0: there is no 'fm'");
    EXPECT_EQ(checked("fn > 1"), "0: 'fn' is not a value; write fn.… with a name after it");
    EXPECT_EQ(checked("fn"), "0: 'fn' is not a value; write fn.… with a name after it");
    EXPECT_EQ(checked("fn.name.startWith('a')"),
              "8: there is no function 'startWith'; did you mean 'startsWith'?");
    EXPECT_EQ(checked("fn.name.length"), "8: string has no field 'length'");
}

TEST(Checker, FindsTheTypesOfMacrosAndMaps) {
    EXPECT_EQ(checked("{'a': 1}"), "map(string, int)");
    EXPECT_EQ(checked("{'a': 1, 'b': 'c'}.b"), "dyn");
    EXPECT_EQ(checked("[1, 2].map(i, string(i))"), "list(string)");
    EXPECT_EQ(checked("{'a': 1}.filter(k, k == 'a')"), "list(string)");
    EXPECT_EQ(checked("{'a': 1}.transformMap(k, v, v > 0)"), "map(string, bool)");
    EXPECT_EQ(checked("[[], [[]], [[[1]]]]"), "list(list(list(list(int))))");
    EXPECT_EQ(checked("cel.bind(a, fn.rate, a > 1.0)"), "bool");
    EXPECT_EQ(checked("type(1)"), "type");
}

TEST(Checker, SaysWhatMacrosNeed) {
    EXPECT_EQ(checked("fn.oom_count.all(i, true)"), "3: all() goes over a list or a map, this is int");
    EXPECT_EQ(checked("[1].all(i, i)"), "11: all() needs a bool here, this is int");
    EXPECT_EQ(checked("[1].exists(i, i.startsWith('a'))"), "16: startsWith() does not take int and string");
    EXPECT_EQ(checked("[1].exists(i, j > 1)"), "14: there is no 'j'; did you mean 'x'?");
    EXPECT_EQ(checked("{1.5: 2}"), "1: a key of a map is a bool, int, uint or string, not double");
    EXPECT_EQ(checked("{'a': 1}[1]"), "8: '[]' does not take map(string, int) and int");
    EXPECT_EQ(checked("timestamp('2009-02-30T00:00:00Z')"),
              "10: '2009-02-30T00:00:00Z' is no timestamp; they look like \"2009-02-13T23:31:30Z\"");
}

TEST(Checker, TellsAllMistakesAtOnce) {
    EXPECT_EQ(checked("fn.oom_count && fn.name"),
              "3: '&&' needs bool on both sides, this is int; compare it: … > 0 | "
              "19: '&&' needs bool on both sides, this is string");
}

TEST(Checker, ChecksRegularExpressionsBeforeTheyRun) {
    EXPECT_EQ(checked("fn.name.matches('a.*')"), "bool");
    EXPECT_NE(checked("fn.name.matches('(')").find("16: not a regular expression"), std::string::npos);
}

}  // namespace
}  // namespace autotune::cel
