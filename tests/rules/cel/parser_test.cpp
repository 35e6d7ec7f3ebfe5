#include "rules/cel/parser.hpp"

#include <gtest/gtest.h>

#include <sstream>

namespace autotune::cel {
namespace {

// The tree as a fully parenthesised prefix form.
std::string shape(const Ast& ast, NodeId id) {
    const Node& n = ast.nodes[id];
    std::string out = n.what == Node::What::literal ? to_string(n.value) : n.name;
    if (n.what == Node::What::list) out = "list";
    if (n.what == Node::What::map) out = "map";
    if (n.what == Node::What::has) out = "has." + n.name;
    for (const std::string& variable : n.variables) out += " " + variable;
    if (n.what == Node::What::select) out = "." + n.name;
    if (n.children.empty()) return out;
    out = "(" + out;
    for (const NodeId child : n.children) out += " " + shape(ast, child);
    return out + ")";
}
std::string parsed(std::string_view text) {
    const auto result = parse(text);
    if (const auto* ast = std::get_if<Ast>(&result)) return shape(*ast, ast->root());
    const Issue& issue = std::get<Issue>(result);
    return std::to_string(issue.offset) + ": " + issue.message;
}

TEST(Parser, MultiplicationBindsTighterThanAdditionThanComparisonThanLogic) {
    EXPECT_EQ(parsed("1 + 2 * 3 > 4 && true || false"), "(_||_ (_&&_ (_>_ (_+_ 1 (_*_ 2 3)) 4) true) false)");
    EXPECT_EQ(parsed("1 - 2 - 3"), "(_-_ (_-_ 1 2) 3)");
    EXPECT_EQ(parsed("!a.b && -c"), "(_&&_ (!_ (.b a)) (-_ c))");
}

TEST(Parser, TheConditionalIsRightAssociative) {
    EXPECT_EQ(parsed("a ? b : c ? d : e"), "(_?_:_ a b (_?_:_ c d e))");
}

TEST(Parser, ReadsMembersCallsIndicesAndLists) {
    EXPECT_EQ(parsed("fn.name.startsWith('a')"), "(startsWith (.name fn) \"a\")");
    EXPECT_EQ(parsed("[1, 2,][0]"), "(_[_] (list 1 2) 0)");
    EXPECT_EQ(parsed("a in ['x'] // why"), "(@in a (list \"x\"))");
}

TEST(Parser, TheSmallestIntegerIsALiteral) {
    EXPECT_EQ(parsed("-9223372036854775808"), "-9223372036854775808");
    EXPECT_EQ(parsed("9223372036854775808"), "0: the number does not fit in 64 bits");
    EXPECT_EQ(parsed("-0x10"), "-16");
}

TEST(Parser, ResolvesEscapesAndKeepsRawStrings) {
    EXPECT_EQ(parsed(R"('a\u00e9\x21\n')"), "\"a\u00e9!\\n\"");
    EXPECT_EQ(parsed(R"(r'a\n')"), "\"a\\\\n\"");
    EXPECT_EQ(parsed(R"(b'\xff\377')"), "b\"\\xff\\xff\"");
    EXPECT_EQ(parsed("'''a\n'b'''"), "\"a\\n'b\"");
}

TEST(Parser, ReadsMapsAndNamesThatAreNoIdentifiers) {
    EXPECT_EQ(parsed("{'a': 1, 'b': [2],}"), "(map \"a\" 1 \"b\" (list 2))");
    EXPECT_EQ(parsed("{}.`x-y/z`.while"), "(.while (.x-y/z map))");
    EXPECT_EQ(parsed(".a.b"), "(.b .a)");
}

TEST(Parser, ExpandsMacros) {
    EXPECT_EQ(parsed("has(a.b)"), "(has.b a)");
    EXPECT_EQ(parsed("a.all(x, x > 1)"), "(all x a (_>_ x 1))");
    EXPECT_EQ(parsed("a.map(x, x > 1, -x)"), "(map x a (_>_ x 1) (-_ x))");
    EXPECT_EQ(parsed("a.exists(i, x, i == x)"), "(exists i x a (_==_ i x))");
    EXPECT_EQ(parsed("cel.bind(x, 1, x)"), "(bind x 1 x)");
    EXPECT_EQ(parsed("a.all()"), "(all a)") << "a call, which the checker refuses";
    EXPECT_EQ(parsed("has(a)"), "4: has() asks for a field: has(x.name)");
    EXPECT_EQ(parsed("a.all(1, true)"), "6: all() needs the name of a variable first: .all(x, …)");
    EXPECT_EQ(parsed("a.all(x, x, true)"), "2: the two variables of all() have the same name");
}

TEST(Parser, SaysWhereAndWhyItCannotReadOn) {
    EXPECT_EQ(parsed("fn.a >"), "6: expected a value before the end");
    EXPECT_EQ(parsed("a = 1"), "2: '=' is no operator; to compare write '=='");
    EXPECT_EQ(parsed("a & b"), "2: '&' is no operator; write '&&'");
    EXPECT_EQ(parsed("a and b"), "2: expected an operator before 'and'; write '&&'");
    EXPECT_EQ(parsed("(a"), "2: expected ')' to close '(' before the end");
    EXPECT_EQ(parsed("'abc"), "0: the string is not closed");
    EXPECT_EQ(parsed("'a\\q'"), "2: there is no escape sequence '\\q'; a backslash is written \\\\");
    EXPECT_EQ(parsed("15m"),
              "0: a number may not be followed by 'm'; durations are written duration(\"15m\")");
    EXPECT_EQ(parsed("a.B{c: 1}"), "3: messages are not part of this version's CEL");
    EXPECT_EQ(parsed("{'a'}"), "4: expected ':' after a key before '}'");
    EXPECT_EQ(parsed("'a\rb'"), "0: the string is not closed on its line");
    EXPECT_EQ(parsed("!-x"), "1: '!-' needs parentheses: !(-…)");
    EXPECT_EQ(parsed("a.in"), "2: 'in' is no name; write [\"in\"] or .`in`");
    EXPECT_EQ(parsed("`a`"), "0: expected a value before '`a`'");
    EXPECT_EQ(parsed("a.`b$`"),
              "2: between ` and ` a name has letters, digits, '_', '.', '-', '/' and spaces");
    EXPECT_EQ(parsed("if"), "0: 'if' is a reserved word");
    EXPECT_EQ(parsed(""), "0: expected a value before the end");
}

std::string repeated(std::string_view text, int times) {
    std::string out;
    for (int i = 0; i < times; ++i) out += text;
    return out;
}

TEST(Parser, BoundsNestingOfEveryKind) {
    const std::string fine = repeated("(", 200) + "1" + repeated(")", 200);
    EXPECT_EQ(parsed(fine), "1");
    for (const char* opening : {"(", "[", "-", "!", "a(", "a ? b : ", "a["})
        EXPECT_NE(parsed(repeated(opening, 5000)).find("nested deeper than 250 levels"), std::string::npos)
            << opening;
}

TEST(Parser, BoundsTheDepthOfChains) {
    EXPECT_EQ(parsed("1" + repeated(" + 1", 900)).substr(0, 5), "(_+_ ");
    EXPECT_NE(parsed("1" + repeated(" + 1", 5000)).find("too deep"), std::string::npos);
    EXPECT_NE(parsed("a" + repeated(".b", 5000)).find("too deep"), std::string::npos);
    EXPECT_NE(parsed(std::string(kLongestSource + 1, ' ')).find("longer than"), std::string::npos);
}

}  // namespace
}  // namespace autotune::cel
