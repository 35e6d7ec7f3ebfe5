#include "cli/rules_eval.hpp"

#include <gtest/gtest.h>

#include "cli/rules_command.hpp"

namespace autotune {
namespace {

struct Ran {
    int status = 0;
    std::string out, err;
    bool operator==(const Ran&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Ran& r) {
    return out << r.status << " '" << r.out << "' '" << r.err << "'";
}

Ran eval(std::vector<std::string> words) {
    words.insert(words.begin(), {"autotune rules", "eval"});
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const int status = rules_command(static_cast<int>(arguments.size()), arguments.data());
    const std::string out = testing::internal::GetCapturedStdout();
    return {status, out, testing::internal::GetCapturedStderr()};
}

TEST(RulesEval, PrintsTheValueAndNothingElse) {
    EXPECT_EQ(eval({"1 + 1"}), (Ran{0, "{\"int\":\"2\"}\n", ""}));
    EXPECT_EQ(eval({"x + y", "--bind", R"({"x": {"int": "1"}})", "--bind", R"({"y": {"int": "2"}})"}),
              (Ran{0, "{\"int\":\"3\"}\n", ""}));
    EXPECT_EQ(eval({"--container", "a.b", R"(--bind={"a.x": {"bytes": "00ff"}})", "x"}),
              (Ran{0, "{\"bytes\":\"00ff\"}\n", ""}));
}

TEST(RulesEval, TakesExpressionsThatLookLikeOptions) {
    EXPECT_EQ(eval({"-(42)"}).out, "{\"int\":\"-42\"}\n");
    EXPECT_EQ(eval({"--19"}).out, "{\"int\":\"19\"}\n");
    EXPECT_EQ(eval({"--", "-1"}).out, "{\"int\":\"-1\"}\n");
}

TEST(RulesEval, SaysWhereAndWhyThereIsNoValue) {
    EXPECT_EQ(eval({"'é' +\n é"}), (Ran{1, "", "expression:2:2: this character may only be in a string\n"}));
    EXPECT_EQ(eval({"1 + 'a'"}), (Ran{1, "", "expression:1:3: '+' does not take int and string\n"}));
    EXPECT_EQ(eval({"1 + 'a'", "--no-check"}),
              (Ran{1, "", "autotune rules eval: no such overload of '_+_' for (int, string)\n"}));
    EXPECT_EQ(eval({"1 / 0"}), (Ran{1, "", "autotune rules eval: division by zero\n"}));
}

TEST(RulesEval, RefusesArgumentsThatAreNone) {
    EXPECT_EQ(eval({}).status, 2);
    EXPECT_EQ(eval({"1", "2"}).status, 2);
    EXPECT_EQ(eval({"x", "--bind", "1"}),
              (Ran{2, "",
                   "autotune rules eval: --bind: bindings are an object of values: "
                   "{\"x\": {\"int\": \"1\"}}\n"}));
}

}  // namespace
}  // namespace autotune
