#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rules/java/functions.hpp"
#include "rules/java/lexer.hpp"
#include "rules/java/proposal.hpp"

namespace autotune::rules {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;

std::vector<std::string> words(std::string_view source) {
    std::vector<std::string> out;
    const auto tokens = java_tokens(source);
    if (!tokens) return {"! " + tokens.error().message};
    for (const JavaToken& t : *tokens) out.emplace_back(t.is);
    return out;
}

TEST(JavaLexer, LeavesCommentsOutAndStringsWhole) {
    EXPECT_THAT(words("a // @Lambda\n /* @Lambda */ \"// \\\" @\" '\"' '\\'' \"\"\"\n \"x\" @Lambda \\\"\"\"\n\"\"\" 1_0L"),
                ElementsAre("a", "\"// \\\" @\"", "'\"'", "'\\''", "\"\"\"\n \"x\" @Lambda \\\"\"\"\n\"\"\"", "1_0L"));
    EXPECT_THAT(words("größe$1@x"), ElementsAre("größe$1", "@", "x"));
}

TEST(JavaLexer, SaysWhereSomethingHasNoEnd) {
    EXPECT_THAT(words("a\n  \"b\n\""), ElementsAre("! 2:3: the string has no end on its line"));
    EXPECT_THAT(words("'"), ElementsAre("! 1:1: the character has no end on its line"));
    EXPECT_THAT(words("x /* *"), ElementsAre("! 1:3: the comment has no end"));
    EXPECT_THAT(words("\"\"\" \\\"\"\""), ElementsAre("! 1:1: the text block has no end"));
}

TEST(JavaFunctions, AreMethodsWithTheAnnotation) {
    const JavaFile file = read_java(R"(package shop.web;
import java.util.List;
import static java.lang.Math.*;

/** @Lambda(memory = 1) of a comment */
public class Shop {
    String s = "@Lambda(memory = 2) static int no() {}";
    @Deprecated @Lambda(memory = 1_024, timeout = 30, name = "total-1") @SuppressWarnings({"a", "b"})
    public static synchronized double total(final List<? extends Item> items, int[] n, @Nullable String... more) throws java.io.IOException {
        return new Object() { int x() { return 1; } }.x();
    }
    static class Inner {
        @autotune.Lambda
        static void tidy() {}
    }
    @cloudfunction(region = "us-east-1", memory = 128, duration = 5)
    public static java.util.Map<String, List<int[]>> map() { return null; }
    int other() { return Inner.class.hashCode(); }
}
)");
    ASSERT_TRUE(file.diagnostics.empty()) << format(file.diagnostics[0], "Shop.java");
    EXPECT_EQ(file.package, "shop.web");
    EXPECT_THAT(file.imports, ElementsAre("java.util.List", "static java.lang.Math.*"));
    ASSERT_EQ(file.functions.size(), 3u);
    const JavaFunction& total = file.functions[0];
    EXPECT_EQ(total.owner + "." + total.method, "Shop.total");
    EXPECT_EQ(total.type, "double");
    EXPECT_THAT(total.parameters, ElementsAre(Pair("List<? extends Item>", "items"), Pair("int[]", "n"), Pair("String[]", "more")));
    EXPECT_EQ(total.memory_mb, 1024u);
    EXPECT_EQ(total.timeout_s, 30u);
    EXPECT_EQ(total.name, "total-1");
    EXPECT_TRUE(total.throws);
    EXPECT_EQ(total.at, (Position{8, 17}));
    EXPECT_EQ(file.functions[1].owner, "Shop.Inner");
    EXPECT_FALSE(file.functions[1].memory_mb);
    EXPECT_EQ(file.functions[2].type, "java.util.Map<String, List<int[]>>");
    EXPECT_EQ(file.functions[2].timeout_s, 5u);
}

TEST(JavaFunctions, SayWhatCannotBe) {
    const auto told = [](const std::string& text) {
        const JavaFile file = read_java("class C {\n" + text + "\n}\n");
        EXPECT_EQ(file.functions.size(), 0u) << text;
        return file.diagnostics.empty() ? std::string("nothing") : format(file.diagnostics[0], "C.java");
    };
    EXPECT_EQ(told("@Lambda(memory = 64) static void f() {}"),
              "C.java:2:18: memory must be a whole number of 128 to 10240 (MB) that stands there, not 64");
    EXPECT_THAT(told("@Lambda(memory = 0512) static void f() {}"), HasSubstr("2:18: memory must be"));
    EXPECT_THAT(told("@Lambda(timeout = 901) static void f() {}"), HasSubstr("2:19: timeout must be a whole number of 1 to 900 (seconds)"));
    EXPECT_THAT(told("@Lambda(memory = 512 * 2) static void f() {}"), HasSubstr("2:18: memory must be one value that stands there"));
    EXPECT_THAT(told("@Lambda(memory = MEM) static void f() {}"), HasSubstr("not MEM"));
    EXPECT_THAT(told("@Lambda(memry = 512) static void f() {}"), HasSubstr("2:9: there is no attribute \"memry\"; did you mean 'memory'?"));
    EXPECT_THAT(told("@Lambda(512) static void f() {}"), HasSubstr("2:9: an attribute is NAME = VALUE"));
    EXPECT_THAT(told("@Lambda(name = \"a b\") static void f() {}"), HasSubstr("2:16: name must be a string"));
    EXPECT_THAT(told("@Lambda void f() {}"), HasSubstr("2:1: f is not static"));
    EXPECT_THAT(told("@Lambda private static void f() {}"), HasSubstr("2:1: f is private"));
    EXPECT_THAT(told("@Lambda static <T> void f(T t) {}"), HasSubstr("type parameters"));
    EXPECT_THAT(told("@Lambda static int x = 1;"), HasSubstr("2:1: the annotation stands before no method"));
    EXPECT_THAT(told("@Lambda"), HasSubstr("before no method"));
    EXPECT_THAT(told("@Lambda(memory ="), HasSubstr("3:1: memory must be one value"));
    EXPECT_THAT(told("@Lambda(memory = 512"), HasSubstr("2:"));
    EXPECT_THAT(told("@Lambda static void f(int) {}"), HasSubstr("2:23: this is no parameter"));
    EXPECT_THAT(told("void g() { class D { @Lambda static void f() {} } }"), HasSubstr("within another method"));
    EXPECT_THAT(told("@Lambda static void f() { \"x }"), HasSubstr("C.java:2:27: the string has no end"));
    EXPECT_EQ(format(read_java("@Lambda class C {}").diagnostics.at(0), "C.java"), "C.java:1:1: the annotation stands before no method");
    EXPECT_TRUE(read_java("").diagnostics.empty());
    EXPECT_TRUE(read_java("@interface Lambda { int memory(); }").diagnostics.empty());
}

TEST(JavaProposal, IsAHandlerForEachAndATemplate) {
    const JavaFile file = read_java(
        "package p;\nclass C {\n@Lambda(memory = 512, timeout = 3) public static long add(int a, String b) throws Exception { return 1; }\n"
        "@Lambda static void add() {}\n}\n");
    const auto files = propose_functions(file, "src/p/C.java");
    ASSERT_EQ(files.size(), 3u);
    EXPECT_EQ(files[0].path, "src/p/CAddFunction.java");
    EXPECT_EQ(files[1].path, "src/p/CAddFunction2.java");
    EXPECT_EQ(files[2].path, "src/p/C.functions.yaml");
    EXPECT_THAT(files[0].text, HasSubstr("public class CAddFunction implements RequestHandler<CAddFunction.Input, Long> {"));
    EXPECT_THAT(files[0].text, HasSubstr("return C.add(input.getA(), input.getB());"));
    EXPECT_THAT(files[0].text, HasSubstr("catch (Exception error)"));
    EXPECT_THAT(files[1].text, HasSubstr("C.add();\n        return null;"));
    EXPECT_THAT(files[1].text, Not(HasSubstr("catch")));
    EXPECT_THAT(files[2].text, HasSubstr("  CAddFunction:\n    Type: AWS::Serverless::Function\n"));
    EXPECT_THAT(files[2].text, HasSubstr("Handler: p.CAddFunction::handleRequest\n      Runtime: java17\n      MemorySize: 512\n      Timeout: 3\n"));
}

TEST(JavaProposal, IsAPatchOfNewFiles) {
    EXPECT_EQ(patch_of({{"a/B.java", "x\n"}, {"c", "\ny\n"}}),
              "--- /dev/null\n+++ b/a/B.java\n@@ -0,0 +1 @@\n+x\n--- /dev/null\n+++ b/c\n@@ -0,0 +1,2 @@\n+\n+y\n");
}

}  // namespace
}  // namespace autotune::rules
