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
    EXPECT_THAT(told("private @Lambda static void f() {}"), HasSubstr("2:9: f is private"));
    EXPECT_THAT(told("private @A(x = {1}) static @Lambda void f() {}"), HasSubstr("2:28: f is private"));
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

// The handler is a class of its own beside them.
TEST(JavaFunctions, OfPrivateClassesCannotBeCalledFromOutside) {
    const auto told = [](const std::string& text) {
        const JavaFile file = read_java("class C {\n" + text + "\n}\n");
        EXPECT_EQ(file.functions.size(), 0u) << text;
        return file.diagnostics.empty() ? std::string("nothing") : format(file.diagnostics[0], "C.java");
    };
    EXPECT_EQ(told("private static class D { @Lambda static void f() {} }"),
              "C.java:2:26: f is within C.D, which is private: the function's handler is a class of its own, and could not call it");
    EXPECT_THAT(told("private enum D { A, B; @Lambda static void f() {} }"), HasSubstr("f is within C.D, which is private"));
    EXPECT_THAT(told("private @A(\"x\") record D(int a) { static class E { @Lambda public static void f() {} } }"),
                HasSubstr("f is within C.D, which is private"));
    EXPECT_THAT(told("@Lambda static int f(java.util.List<? extends D> all) { return 0; }\nprivate static class D {}"),
                HasSubstr("2:1: f needs C.D, which is private"));
    EXPECT_THAT(told("@Lambda static C.D[] f() { return null; } private static class D {}"), HasSubstr("f needs C.D, which is private"));
    EXPECT_THAT(told("static class D { private static class E {} @Lambda static void f(E e) {} }"), HasSubstr("f needs C.D.E, which is private"));
}

TEST(JavaFunctions, ArePrivateOnlyWhereTheyAre) {
    const JavaFile file = read_java(R"(class C {
    private int x = 3;
    private static int g() { return 1; }
    static class D { @Lambda static void f() {} }
    private static class P { static class D {} }
    private interface Q {}
    public static @Lambda void h(D d, java.util.Map<String, D.E[]> all, P p2D) {}
    static @Lambda int i(Other.D d, String... s) { return 0; }
    static class R { static class D {} @Lambda static D j(Q.D d, D e) { return e; } }
}
)");
    // h needs P, and j Q; the others stay.
    ASSERT_EQ(file.functions.size(), 2u);
    EXPECT_EQ(file.functions[0].owner + "." + file.functions[0].method, "C.D.f");
    EXPECT_EQ(file.functions[1].method, "i");
    EXPECT_EQ(file.functions[1].parameters[0].first, "Other.D");
    ASSERT_EQ(file.diagnostics.size(), 2u);
    EXPECT_THAT(format(file.diagnostics[0], "C.java"), HasSubstr("C.java:7:19: h needs C.P, which is private"));
    EXPECT_THAT(format(file.diagnostics[1], "C.java"), HasSubstr("C.java:9:40: j needs C.Q, which is private"));
}

// Names of nested classes mean something in the file's own class only.
TEST(JavaFunctions, HaveTypesAsTheyAreNamedFromOutside) {
    const JavaFile file = read_java(
        "class C {\nstatic class D { static class E {} }\n"
        "@Lambda static java.util.Map<String, D[]> f(D d, D.E e, C.D c, x.D foreign, java.util.List<? extends D> more) { return null; }\n"
        "static class R { static class D {} @Lambda static D g() { return null; } }\n}\n");
    ASSERT_TRUE(file.diagnostics.empty()) << format(file.diagnostics[0], "C.java");
    ASSERT_EQ(file.functions.size(), 2u);
    EXPECT_EQ(file.functions[0].type, "java.util.Map<String, C.D[]>");
    EXPECT_THAT(file.functions[0].parameters, ElementsAre(Pair("C.D", "d"), Pair("C.D.E", "e"), Pair("C.D", "c"), Pair("x.D", "foreign"),
                                                          Pair("java.util.List<? extends C.D>", "more")));
    EXPECT_EQ(file.functions[1].type, "C.R.D");
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
