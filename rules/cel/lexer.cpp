#include "rules/cel/lexer.hpp"

#include <array>

#include "rules/cel/string_literal.hpp"

namespace autotune::cel {

namespace {

using What = Token::What;

bool digit(char c) { return c >= '0' && c <= '9'; }
bool hex(char c) { return digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

// Two bytes before one, so that "<=" is not "<".
constexpr std::array<std::string_view, 25> kPunctuation{"&&", "||", "==", "!=", "<=", ">=", "+", "-", "*",
                                                        "/",  "%",  "<",  ">",  "!",  "?",  ":", "(", ")",
                                                        "[",  "]",  "{",  "}",  ",",  ".",  "="};

class Lexer {
public:
    explicit Lexer(std::string_view source) : source_(source) {}

    Lexed run() {
        Lexed out;
        while (!out.issue) {
            skip_space();
            if (at_ >= source_.size()) break;
            out.issue = next(out.tokens);
        }
        out.tokens.push_back({.what = What::end, .offset = source_.size()});
        return out;
    }

private:
    [[nodiscard]] char peek(std::size_t ahead = 0) const {
        return at_ + ahead < source_.size() ? source_[at_ + ahead] : '\0';
    }

    void skip_space() {
        for (;;) {
            while (at_ < source_.size() &&
                   std::string_view(" \t\n\r\f").find(peek()) != std::string_view::npos)
                ++at_;
            if (peek() != '/' || peek(1) != '/') return;
            while (at_ < source_.size() && peek() != '\n') ++at_;
        }
    }

    std::optional<Issue> next(std::vector<Token>& tokens) {
        const std::size_t start = at_;
        if (starts_string(source_, at_)) {
            auto read = read_string(source_, at_);
            if (auto* issue = std::get_if<Issue>(&read)) return std::move(*issue);
            auto& literal = std::get<StringLiteral>(read);
            at_ += literal.length;
            tokens.push_back({literal.is_bytes ? What::bytes : What::text, start,
                              source_.substr(start, literal.length), std::move(literal.content)});
            return std::nullopt;
        }
        if (digit(peek()) || (peek() == '.' && digit(peek(1)))) return number(tokens);
        if (peek() == '`') return quoted_name(tokens);
        if (letter(peek())) {
            while (letter(peek()) || digit(peek())) ++at_;
            tokens.push_back({What::identifier, start, source_.substr(start, at_ - start), {}});
            return std::nullopt;
        }
        for (const std::string_view p : kPunctuation) {
            if (!source_.substr(at_).starts_with(p)) continue;
            at_ += p.size();
            tokens.push_back({What::punctuation, start, p, {}});
            return p == "=" ? std::optional(Issue{start, "'=' is no operator; to compare write '=='"})
                            : std::nullopt;
        }
        if (peek() == '&' || peek() == '|')
            return Issue{start,
                         std::string("'") + peek() + "' is no operator; write '" + peek() + peek() + "'"};
        if (static_cast<unsigned char>(peek()) < 0x20 || static_cast<unsigned char>(peek()) >= 0x7f)
            return Issue{start, "this character may only be in a string"};
        return Issue{start, std::string("unexpected '") + peek() + "'"};
    }

    std::optional<Issue> quoted_name(std::vector<Token>& tokens) {
        const std::size_t start = at_++;
        while (letter(peek()) || digit(peek()) ||
               (peek() && std::string_view(".-/ ").find(peek()) != std::string_view::npos))
            ++at_;
        if (peek() != '`' || at_ == start + 1)
            return Issue{start, "between ` and ` a name has letters, digits, '_', '.', '-', '/' and spaces"};
        ++at_;
        const std::string_view spelling = source_.substr(start, at_ - start);
        tokens.push_back(
            {What::quoted_name, start, spelling, std::string(spelling.substr(1, spelling.size() - 2))});
        return std::nullopt;
    }

    std::optional<Issue> number(std::vector<Token>& tokens) {
        const std::size_t start = at_;
        What what = What::integer;
        if (peek() == '0' && (peek(1) == 'x' || peek(1) == 'X') && hex(peek(2))) {
            at_ += 2;
            while (hex(peek())) ++at_;
        } else {
            while (digit(peek())) ++at_;
            if (peek() == '.' && digit(peek(1))) {
                what = What::number;
                ++at_;
                while (digit(peek())) ++at_;
            }
            const std::size_t sign = peek(1) == '+' || peek(1) == '-' ? 1 : 0;
            if ((peek() == 'e' || peek() == 'E') && digit(peek(1 + sign))) {
                what = What::number;
                at_ += 1 + sign;
                while (digit(peek())) ++at_;
            }
        }
        const std::string_view spelling = source_.substr(start, at_ - start);
        if (what == What::integer && (peek() == 'u' || peek() == 'U')) {
            what = What::unsigned_integer;
            ++at_;
        }
        if (letter(peek()) || digit(peek()))
            return Issue{start, "a number may not be followed by '" + std::string(1, peek()) +
                                    "'; durations are written duration(\"15m\")"};
        tokens.push_back({what, start, spelling, {}});
        return std::nullopt;
    }

    std::string_view source_;
    std::size_t at_ = 0;
};

}  // namespace

Lexed lex(std::string_view source) { return Lexer(source).run(); }

}  // namespace autotune::cel
