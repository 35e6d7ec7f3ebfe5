#include "rules/java/lexer.hpp"

#include <algorithm>
#include <string>

namespace autotune::rules {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool starts_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' || static_cast<unsigned char>(c) >= 0x80;
}

class Lexer {
public:
    explicit Lexer(std::string_view source) : left_(source) {}

    Result<std::vector<JavaToken>> run() {
        std::vector<JavaToken> out;
        while (true) {
            if (Status s = blanks(); !s) return s.forward();
            if (left_.empty()) return out;
            auto token = next();
            if (!token) return token.forward();
            out.push_back(*token);
        }
    }

private:
    void take(std::size_t n) {
        for (const char c : left_.substr(0, n)) {
            if (c == '\n') ++at_.line, at_.column = 0;
            ++at_.column;
        }
        left_.remove_prefix(n);
    }
    static Unexpected fail_at(Position at, const char* what) {
        return fail(Errc::invalid_argument, std::to_string(at.line) + ":" + std::to_string(at.column) + ": " + what);
    }
    Status blanks() {
        while (!left_.empty()) {
            if (left_.starts_with("//")) {
                take(std::min(left_.find('\n'), left_.size()));
            } else if (left_.starts_with("/*")) {
                const auto end = left_.find("*/", 2);
                if (end == std::string_view::npos) return fail_at(at_, "the comment has no end");
                take(end + 2);
            } else if (left_[0] == ' ' || (left_[0] >= '\t' && left_[0] <= '\r')) {
                take(1);
            } else {
                break;
            }
        }
        return ok();
    }
    JavaToken token(JavaToken::Kind kind, std::size_t n) {
        const JavaToken out{kind, left_.substr(0, n), at_};
        take(n);
        return out;
    }
    Result<JavaToken> next() {
        if (left_.starts_with("\"\"\"")) return quoted("\"\"\"", "the text block has no end");
        if (left_[0] == '"') return quoted("\"", "the string has no end on its line");
        if (left_[0] == '\'') return quoted("'", "the character has no end on its line");
        std::size_t n = 1;
        if (is_digit(left_[0])) {
            while (n < left_.size() && (is_digit(left_[n]) || starts_word(left_[n]) || left_[n] == '.')) ++n;
            return token(JavaToken::Kind::number, n);
        }
        if (!starts_word(left_[0])) return token(JavaToken::Kind::sign, 1);
        while (n < left_.size() && (is_digit(left_[n]) || starts_word(left_[n]))) ++n;
        return token(JavaToken::Kind::word, n);
    }
    Result<JavaToken> quoted(std::string_view mark, const char* no_end) {
        for (std::size_t n = mark.size(); n < left_.size(); ++n) {
            if (left_[n] == '\\') {
                ++n;
            } else if (left_.substr(n).starts_with(mark)) {
                return token(JavaToken::Kind::text, n + mark.size());
            } else if (left_[n] == '\n' && mark.size() == 1) {
                break;
            }
        }
        return fail_at(at_, no_end);
    }

    std::string_view left_;
    Position at_{1, 1};
};

}  // namespace

Result<std::vector<JavaToken>> java_tokens(std::string_view source) { return Lexer(source).run(); }

}  // namespace autotune::rules
