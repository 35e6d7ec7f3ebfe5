#include "rules/cel/parser.hpp"

#include <algorithm>
#include <array>

#include "rules/cel/lexer.hpp"
#include "rules/cel/macros.hpp"
#include "rules/cel/number_literal.hpp"
#include "rules/cel/string_literal.hpp"

namespace autotune::cel {

namespace {

struct Operator {
    std::string_view spelling, function;
    int strength;  // the larger binds the tighter; all are left-associative
};
constexpr std::array<Operator, 14> kOperators{{{"||", "_||_", 1},
                                               {"&&", "_&&_", 2},
                                               {"==", "_==_", 3},
                                               {"!=", "_!=_", 3},
                                               {"<", "_<_", 3},
                                               {"<=", "_<=_", 3},
                                               {">", "_>_", 3},
                                               {">=", "_>=_", 3},
                                               {"in", "@in", 3},
                                               {"+", "_+_", 4},
                                               {"-", "_-_", 4},
                                               {"*", "_*_", 5},
                                               {"/", "_/_", 5},
                                               {"%", "_%_", 5}}};

constexpr std::array<std::string_view, 18> kReserved{
    "as", "break", "const", "continue", "else",      "for",    "function", "if",   "import",
    "in", "let",   "loop",  "package",  "namespace", "return", "var",      "void", "while"};

// Unwinds to parse(); never leaves this file.
struct Refused {
    Issue issue;
};

class Parser {
public:
    explicit Parser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

    Ast run() {
        expression();
        if (now().what != Token::What::end)
            refuse(now(), "expected an operator before " + shown(now()) + hint(now()));
        return std::move(ast_);
    }

private:
    // --- tokens
    [[nodiscard]] const Token& now() const { return tokens_[next_]; }
    const Token& take() { return tokens_[next_ + 1 < tokens_.size() ? next_++ : next_]; }
    [[nodiscard]] bool at(std::string_view punctuation) const {
        return now().what == Token::What::punctuation && now().spelling == punctuation;
    }
    bool take_if(std::string_view punctuation) { return at(punctuation) && (take(), true); }
    void expect(std::string_view punctuation, std::string_view why) {
        if (!take_if(punctuation))
            refuse(now(), "expected '" + std::string(punctuation) + "' " + std::string(why) + " before " +
                              shown(now()));
    }
    [[noreturn]] static void refuse(const Token& token, std::string message) {
        throw Refused{{token.offset, std::move(message)}};
    }
    static std::string shown(const Token& t) {
        return t.what == Token::What::end ? "the end" : "'" + std::string(t.spelling) + "'";
    }
    static std::string hint(const Token& t) {
        if (t.spelling == "and" || t.spelling == "AND") return "; write '&&'";
        if (t.spelling == "or" || t.spelling == "OR") return "; write '||'";
        if (t.spelling == "not") return "; write '!'";
        return "";
    }

    // --- nodes
    NodeId add(Node node) {
        for (const NodeId child : node.children)
            node.depth = std::max(node.depth, ast_.nodes[child].depth + 1);
        if (node.depth > kDeepestTree)
            throw Refused{{node.offset, "the expression is too deep: more than " +
                                            std::to_string(kDeepestTree) +
                                            " operations on top of each other"}};
        ast_.nodes.push_back(std::move(node));
        return ast_.root();
    }
    NodeId call(std::string_view name, std::size_t offset, std::vector<NodeId> children) {
        return add({.what = Node::What::call,
                    .offset = offset,
                    .name = std::string(name),
                    .children = std::move(children)});
    }
    NodeId literal(std::size_t offset, Value value) {
        return add({.what = Node::What::literal, .offset = offset, .value = std::move(value)});
    }

    // Counts nesting for as long as it lives.
    class Level {
    public:
        explicit Level(Parser& p) : parser_(p) {
            if (++parser_.nesting_ > kDeepestNesting)
                refuse(parser_.now(), "nested deeper than " + std::to_string(kDeepestNesting) + " levels");
        }
        ~Level() { --parser_.nesting_; }
        Level(const Level&) = delete;
        Level& operator=(const Level&) = delete;

    private:
        Parser& parser_;
    };

    // --- grammar
    NodeId expression() {
        const Level level(*this);
        const NodeId condition = binary(1);
        const std::size_t offset = now().offset;
        if (!take_if("?")) return condition;
        const NodeId yes = binary(1);
        expect(":", "after the first choice of '?'");
        const NodeId no = expression();
        return call("_?_:_", offset, {condition, yes, no});
    }

    [[nodiscard]] const Operator* binary_operator() const {
        if (now().what != Token::What::punctuation && now().spelling != "in") return nullptr;
        const auto* found = std::find_if(kOperators.begin(), kOperators.end(),
                                         [&](const Operator& o) { return o.spelling == now().spelling; });
        return found == kOperators.end() ? nullptr : found;
    }

    NodeId binary(int least) {
        NodeId left = unary();
        for (const Operator* o = binary_operator(); o && o->strength >= least; o = binary_operator()) {
            const std::size_t offset = take().offset;
            const NodeId right = binary(o->strength + 1);
            left = call(o->function, offset, {left, right});
        }
        return left;
    }

    // "!!x" and "--x", but not "!-x": the grammar has runs of one of them.
    NodeId unary() {
        if (!at("!") && !at("-")) return member();
        const Level level(*this);
        const Token& sign = take();
        const bool number = now().what == Token::What::integer || now().what == Token::What::number;
        // "-9223372036854775808" is one literal: its magnitude alone is no int.
        if (sign.spelling == "-" && number) return member_of(number_literal(sign.offset, "-"));
        const std::string_view other = sign.spelling == "-" ? "!" : "-";
        if (at(other) && !(other == "-" && number_follows()))
            refuse(now(), "'" + std::string(sign.spelling) + std::string(other) + "' needs parentheses: " +
                              std::string(sign.spelling) + "(" + std::string(other) + "…)");
        return call(sign.spelling == "!" ? "!_" : "-_", sign.offset, {unary()});
    }
    [[nodiscard]] bool number_follows() const {
        const Token::What what = tokens_[std::min(next_ + 1, tokens_.size() - 1)].what;
        return what == Token::What::integer || what == Token::What::number;
    }

    NodeId member() { return member_of(primary()); }

    NodeId member_of(NodeId operand) {
        for (;;) {
            const std::size_t offset = now().offset;
            if (take_if(".")) {
                operand = dotted(operand);
            } else if (take_if("[")) {
                const NodeId index = expression();
                expect("]", "after the index");
                operand = call("_[_]", offset, {operand, index});
            } else if (at("{") && ast_.nodes[operand].what != Node::What::literal) {
                refuse(now(), "messages are not part of this version's CEL");
            } else {
                return operand;
            }
        }
    }

    // ".name", ".`a name`" or ".name(…)"; the '.' is taken.
    NodeId dotted(NodeId operand) {
        const Token& name = take();
        const bool quoted = name.what == Token::What::quoted_name;
        if (name.what != Token::What::identifier && !quoted) refuse(name, "expected a name after '.'");
        if (!quoted && is_word(name.spelling))
            refuse(name, "'" + std::string(name.spelling) + "' is no name; write [\"" +
                             std::string(name.spelling) + "\"] or .`" + std::string(name.spelling) + "`");
        if (quoted || !at("("))
            return add({.what = Node::What::select,
                        .offset = name.offset,
                        .name = quoted ? name.content : std::string(name.spelling),
                        .quoted = quoted,
                        .children = {operand}});
        std::vector<NodeId> children{operand};
        arguments(children, ")");
        return expanded({.what = Node::What::member_call,
                         .offset = name.offset,
                         .name = std::string(name.spelling),
                         .children = std::move(children)});
    }
    static bool is_word(std::string_view name) {
        return name == "in" || name == "true" || name == "false" || name == "null";
    }

    NodeId expanded(Node node) {
        auto macro = expand_macro(ast_, node);
        if (auto* issue = std::get_if<Issue>(&macro)) throw Refused{std::move(*issue)};
        if (auto* replacement = std::get_if<Node>(&macro)) return add(std::move(*replacement));
        return add(std::move(node));
    }

    // "( a, b )": the opening token is now().
    void arguments(std::vector<NodeId>& children, std::string_view close) {
        take();
        while (!at(close)) {
            children.push_back(expression());
            if (!take_if(",")) break;
            if (at(close) && close == ")") refuse(now(), "expected an argument after ','");
        }
        expect(close, "after the last element");
    }

    NodeId primary() {
        const Token& token = now();
        switch (token.what) {
            case Token::What::integer:
            case Token::What::unsigned_integer:
            case Token::What::number: return number_literal(token.offset, "");
            case Token::What::text:
                if (!valid_utf8(token.content)) refuse(token, "the string is not UTF-8");
                return literal(token.offset, take().content);
            case Token::What::bytes: return literal(token.offset, Bytes{take().content});
            case Token::What::identifier: return identifier();
            default: break;
        }
        if (take_if("(")) {
            const NodeId inner = expression();
            expect(")", "to close '('");
            return inner;
        }
        if (at("[")) {
            std::vector<NodeId> children;
            const std::size_t offset = token.offset;
            arguments(children, "]");
            return add({.what = Node::What::list, .offset = offset, .children = std::move(children)});
        }
        if (at("{")) return map();
        if (take_if(".")) {
            if (now().what != Token::What::identifier) refuse(now(), "expected a name after '.'");
            return identifier(".");
        }
        refuse(token, "expected a value before " + shown(token));
    }

    NodeId map() {
        const std::size_t offset = take().offset;
        std::vector<NodeId> children;
        while (!at("}")) {
            children.push_back(expression());
            expect(":", "after a key");
            children.push_back(expression());
            if (!take_if(",")) break;
        }
        expect("}", "after the last entry");
        return add({.what = Node::What::map, .offset = offset, .children = std::move(children)});
    }

    // `dot`: "." when the name begins with one.
    NodeId identifier(std::string_view dot = "") {
        const Token& token = take();
        const std::string name = std::string(dot) + std::string(token.spelling);
        if (name == "true" || name == "false") return literal(token.offset, name == "true");
        if (name == "null") return literal(token.offset, Null{});
        if (std::find(kReserved.begin(), kReserved.end(), token.spelling) != kReserved.end() ||
            is_word(token.spelling))
            refuse(token, "'" + std::string(token.spelling) + "' is a reserved word");
        if (!at("(")) {
            if (name == "not") refuse(token, "'not' is no operator; write '!'");
            return add({.what = Node::What::identifier, .offset = token.offset, .name = name});
        }
        std::vector<NodeId> children;
        arguments(children, ")");
        return expanded({.what = Node::What::call,
                         .offset = token.offset,
                         .name = name,
                         .children = std::move(children)});
    }

    NodeId number_literal(std::size_t offset, std::string_view sign) {
        const Token& token = take();
        auto value = read_number(token, sign);
        if (auto* why = std::get_if<std::string>(&value)) refuse(token, std::move(*why));
        return literal(offset, std::get<Value>(std::move(value)));
    }

    std::vector<Token> tokens_;
    std::size_t next_ = 0;
    int nesting_ = 0;
    Ast ast_;
};

}  // namespace

std::variant<Ast, Issue> parse(std::string_view source) {
    if (source.size() > kLongestSource)
        return Issue{0, "the expression is longer than " + std::to_string(kLongestSource) + " bytes"};
    Lexed lexed = lex(source);
    if (lexed.issue) return std::move(*lexed.issue);
    try {
        return Parser(std::move(lexed.tokens)).run();
    } catch (Refused& refused) {
        return std::move(refused.issue);
    }
}

}  // namespace autotune::cel
