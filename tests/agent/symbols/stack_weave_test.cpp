#include "agent/symbols/stack_weave.hpp"

#include <gtest/gtest.h>

#include <string>

namespace autotune::symbols {
namespace {

// Native frames as letters, innermost first: E evaluator, i interpreter, any other foreign. Python frames likewise:
// small letters, entry frames in capitals. The stack as letters again, Python's in capitals.
struct Shown {
    std::string stack;
    std::size_t guessed = 0;
};

Shown shown(const std::string& native, const std::string& python, bool native_whole = true, bool python_whole = true) {
    std::vector<NativeRole> roles;
    for (const char c : native)
        roles.push_back(c == 'E' ? NativeRole::evaluator : c == 'i' ? NativeRole::interpreter : NativeRole::foreign);
    std::vector<std::uint8_t> entries;
    for (const char c : python) entries.push_back(c >= 'A' && c <= 'Z' ? 1 : 0);
    const Woven woven =
        weave({.native = roles, .is_entry = entries, .native_whole = native_whole, .python_whole = python_whole});
    Shown out{.guessed = woven.guessed_runs};
    for (const auto& p : woven.places) out.stack += p.is_python ? static_cast<char>(python[p.index] & ~32) : native[p.index];
    return out;
}

TEST(Weave, ReplacesEachEvaluatorByItsRun) {
    // 3.11 on: f called by g within one evaluator, called back by a C extension from h.
    EXPECT_EQ(shown("xEizyiEis", "fGhI").stack, "xFGzyHIs");
}

TEST(Weave, HasAnEvaluatorForEveryFrameUpTo310) { EXPECT_EQ(shown("xEiEiEi", "ABC").stack, "xABC"); }

TEST(Weave, LeavesOutWhatTheInterpreterItselfDoes) { EXPECT_EQ(shown("iiEii", "aB").stack, "AB"); }

TEST(Weave, KnowsAnEvaluatorThatHasNoFrameYet) {
    EXPECT_EQ(shown("EixE", "A").stack, "xA");
    EXPECT_EQ(shown("EixE", "A").guessed, 0u);
}

TEST(Weave, MatchesFromTheInnermostWhereTheNativeStackIsCut) {
    EXPECT_EQ(shown("xEiyE", "ABCd", false).stack, "xAyBCD");
    EXPECT_EQ(shown("xEiyE", "ABCd", false).guessed, 0u) << "that some are missing is known";
}

TEST(Weave, MatchesFromTheInnermostWherePythonsStackIsCut) {
    EXPECT_EQ(shown("xEyEzE", "aBC", true, false).stack, "xAByCz");
}

TEST(Weave, SaysThatARunsPlaceIsAGuess) {
    const Shown s = shown("xEy", "ABC");
    EXPECT_EQ(s.stack, "xABCy");
    EXPECT_EQ(s.guessed, 2u);
}

TEST(Weave, ShowsEveryPythonFrameOnceWhateverTheNativeStackIs) {
    EXPECT_EQ(shown("", "aBc").stack, "ABC");
    EXPECT_EQ(shown("xy", "aB").stack, "xyAB");
    EXPECT_EQ(shown("xE", "").stack, "x");
    EXPECT_EQ(shown("", "").stack, "");
}

}  // namespace
}  // namespace autotune::symbols
