#include "rules/cel/string_literal.hpp"

#include <algorithm>
#include <optional>

#include "rules/cel/utf8.hpp"

namespace autotune::cel {

namespace {

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

// One escape sequence at a time; `at` is the byte after the backslash and moves behind the sequence.
class Unescaper {
public:
    Unescaper(std::string_view source, std::size_t& at, const StringLiteral& literal)
        : source_(source), at_(at), bytes_(literal.is_bytes) {}

    // Why it is wrong, if it is.
    std::optional<std::string> append_to(std::string& out) {
        if (at_ >= source_.size()) return "the string is not closed";
        const char c = source_[at_];
        constexpr std::string_view kNames = "abfnrtv\\'\"`?", kValues = "\a\b\f\n\r\t\v\\'\"`?";
        if (const auto i = kNames.find(c); i != std::string_view::npos) {
            out += kValues[i];
            ++at_;
            return std::nullopt;
        }
        if (c == 'x' || c == 'X') return number(out, {.skip = 1, .digits = 2, .base = 16});
        if (c >= '0' && c <= '3') return number(out, {.skip = 0, .digits = 3, .base = 8});
        if (c == 'u' && !bytes_) return number(out, {.skip = 1, .digits = 4, .base = 16});
        if (c == 'U' && !bytes_) return number(out, {.skip = 1, .digits = 8, .base = 16});
        return "there is no escape sequence '\\" + std::string(1, c) + "'; a backslash is written \\\\";
    }

private:
    struct Form {
        std::size_t skip, digits;
        int base;
    };
    std::optional<std::string> number(std::string& out, Form form) {
        std::uint32_t code = 0;
        for (std::size_t i = 0; i < form.digits; ++i) {
            const std::size_t where = at_ + form.skip + i;
            const int d = where < source_.size() ? hex_digit(source_[where]) : -1;
            if (d < 0 || d >= form.base)
                return "the escape sequence needs " + std::to_string(form.digits) +
                       (form.base == 16 ? " hexadecimal digits" : " octal digits");
            code = code * static_cast<std::uint32_t>(form.base) + static_cast<std::uint32_t>(d);
        }
        if (code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF))
            return "the escape sequence is no character";
        if (bytes_)
            out += static_cast<char>(code);
        else
            append_utf8(out, code);
        at_ += form.skip + form.digits;
        return std::nullopt;
    }

    std::string_view source_;
    std::size_t& at_;
    bool bytes_;
};

}  // namespace

bool starts_string(std::string_view source, std::size_t offset) {
    std::size_t prefix = 0;
    while (prefix < 2 && offset < source.size() &&
           std::string_view("rRbB").find(source[offset]) != std::string_view::npos) {
        // rb and br, but neither rr nor bb.
        if (prefix == 1 && (source[offset] | 0x20) == (source[offset - 1] | 0x20)) return false;
        ++prefix, ++offset;
    }
    return offset < source.size() && (source[offset] == '"' || source[offset] == '\'');
}

std::variant<StringLiteral, Issue> read_string(std::string_view source, std::size_t offset) {
    StringLiteral literal;
    std::size_t at = offset;
    const char* escapes = "\\";
    for (; source[at] != '"' && source[at] != '\''; ++at) {
        if ((source[at] | 0x20) == 'b')
            literal.is_bytes = true;
        else
            escapes = nullptr;  // raw
    }
    const std::string_view rest = source.substr(at);
    const bool triple = rest.size() >= 3 && rest[1] == rest[0] && rest[2] == rest[0];
    const std::string_view quote = rest.substr(0, triple ? 3 : 1);
    at += quote.size();
    while (!source.substr(at).starts_with(quote)) {
        if (at >= source.size()) return Issue{offset, "the string is not closed"};
        const char c = source[at++];
        if ((c == '\n' || c == '\r') && !triple) return Issue{offset, "the string is not closed on its line"};
        if (escapes && c == *escapes) {
            const std::size_t where = at - 1;
            if (auto wrong = Unescaper(source, at, literal).append_to(literal.content))
                return Issue{where, std::move(*wrong)};
        } else {
            literal.content += c;
        }
    }
    literal.length = at + quote.size() - offset;
    return literal;
}

std::int64_t code_points(std::string_view utf8) {
    return std::count_if(utf8.begin(), utf8.end(), [](char c) { return (c & 0xC0) != 0x80; });
}

bool valid_utf8(std::string_view s) {
    for (std::size_t i = 0; i < s.size();) {
        const auto lead = static_cast<unsigned char>(s[i]);
        const std::size_t length = lead < 0x80                   ? 1
                                   : lead >= 0xC2 && lead < 0xE0 ? 2
                                   : lead >= 0xE0 && lead < 0xF0 ? 3
                                   : lead >= 0xF0 && lead < 0xF5 ? 4
                                                                 : 0;
        if (length == 0 || i + length > s.size()) return false;
        std::uint32_t code = length == 1 ? lead : lead & (0x7Fu >> length);
        for (std::size_t k = 1; k < length; ++k) {
            const auto c = static_cast<unsigned char>(s[i + k]);
            if ((c & 0xC0) != 0x80) return false;
            code = code << 6 | (c & 0x3F);
        }
        if ((length == 3 && (code < 0x800 || (code >= 0xD800 && code <= 0xDFFF))) ||
            (length == 4 && (code < 0x10000 || code > 0x10FFFF)))
            return false;
        i += length;
    }
    return true;
}

}  // namespace autotune::cel
