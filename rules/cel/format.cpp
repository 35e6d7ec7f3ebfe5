// "%s %d %.3f".format([…]): the strings extension's clauses s d f e b o x X.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "rules/cel/duration.hpp"
#include "rules/cel/names.hpp"
#include "rules/cel/standard.hpp"
#include "rules/cel/utf8.hpp"

namespace autotune::cel {

namespace {

constexpr std::size_t kMostDigits = 100;  // after the '.'

// What people read: no quotes, maps sorted by their written keys.
std::string shown(const Value& v) {
    if (const auto* t = v.get<std::string>()) return *t;
    if (const auto* b = v.get<Bytes>()) return encode(decode(b->data));
    if (const auto* u = v.get<std::uint64_t>()) return std::to_string(*u);
    if (const auto* d = v.get<double>()) return shortest(*d);
    if (const auto* d = v.get<Nanos>()) return format_duration(*d);
    if (const auto* t = v.get<Instant>()) return format_instant(*t);
    std::string out;
    if (const auto* list = v.elements()) {
        for (const Value& e : *list) (out += out.empty() ? "" : ", ") += shown(e);
        return "[" + out + "]";
    }
    if (const Map* map = v.map()) {
        std::vector<std::pair<std::string, std::string>> entries;
        for (const auto& [key, value] : map->entries()) entries.emplace_back(shown(key), shown(value));
        std::sort(entries.begin(), entries.end());
        for (const auto& [key, value] : entries) (out += out.empty() ? "" : ", ") += key + ": " + value;
        return "{" + out + "}";
    }
    return to_string(v);
}

Value refuse(std::string_view clause, std::string_view what, const Value& v) {
    return Value::failure("error during formatting: " + std::string(clause) + " clause can only be used on " +
                          std::string(what) + ", was given " + std::string(type_name(v.kind())));
}

std::string in_base(std::uint64_t magnitude, int base) {
    std::array<char, 66> text{};
    return {text.data(), std::to_chars(text.data(), text.data() + text.size(), magnitude, base).ptr};
}
// Sign and magnitude; nullopt: no integer.
std::optional<std::string> integer(const Value& v, int base) {
    if (const auto* u = v.get<std::uint64_t>()) return in_base(*u, base);
    const auto* i = v.get<std::int64_t>();
    if (!i) return std::nullopt;
    const auto bits = static_cast<std::uint64_t>(*i);
    return *i < 0 ? "-" + in_base(0 - bits, base) : in_base(bits, base);
}

std::optional<double> real(const Value& v) {
    if (const auto* d = v.get<double>()) return *d;
    if (const auto* i = v.get<std::int64_t>()) return static_cast<double>(*i);
    if (const auto* u = v.get<std::uint64_t>()) return static_cast<double>(*u);
    return std::nullopt;
}

// std::to_chars is exact, so halves go to the even digit.
std::string digits(double d, std::chars_format form, std::size_t precision) {
    if (!std::isfinite(d)) return shortest(d);
    std::array<char, 512> text{};
    return {text.data(),
            std::to_chars(text.data(), text.data() + text.size(), d, form, static_cast<int>(precision)).ptr};
}

Value clause(char which, std::size_t precision, const Value& v) {
    switch (which) {
        case 's': return shown(v);
        case 'd':
            if (auto text = integer(v, 10)) return std::move(*text);
            if (const auto* d = v.get<double>()) return shortest(*d);
            return refuse("decimal", "integers", v);
        case 'f':
            if (const auto d = real(v)) return digits(*d, std::chars_format::fixed, precision);
            return refuse("fixed-point", "doubles", v);
        case 'e':
            if (const auto d = real(v)) return digits(*d, std::chars_format::scientific, precision);
            return refuse("scientific", "doubles", v);
        case 'o':
            if (auto text = integer(v, 8)) return std::move(*text);
            return refuse("octal", "integers", v);
        case 'b':
            if (const auto* b = v.get<bool>()) return std::string(*b ? "1" : "0");
            if (auto text = integer(v, 2)) return std::move(*text);
            return refuse("binary", "integers and bools", v);
        case 'x':
        case 'X': {
            auto text = integer(v, 16);
            if (const auto* s = v.get<std::string>()) text = hexadecimal(*s);
            if (const auto* b = v.get<Bytes>()) text = hexadecimal(b->data);
            if (!text) return refuse("hexadecimal", "integers, bytes and strings", v);
            if (which == 'X')
                for (char& c : *text)
                    if (c >= 'a' && c <= 'f') c ^= 0x20;
            return std::move(*text);
        }
        default:
            return Value::failure("could not parse formatting clause: unrecognized formatting clause \"" +
                                  std::string(1, which) + "\"");
    }
}

}  // namespace

Value format(const std::string& pattern, const std::vector<Value>& arguments) {
    std::string out;
    std::size_t next = 0;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        if (out.size() > kLongestText) return too_large();
        if (pattern[i] != '%') {
            out += pattern[i];
            continue;
        }
        if (++i < pattern.size() && pattern[i] == '%') {
            out += '%';
            continue;
        }
        std::size_t precision = 6;
        if (i < pattern.size() && pattern[i] == '.') {
            precision = 0;
            const std::size_t first = ++i;
            for (; i < pattern.size() && pattern[i] >= '0' && pattern[i] <= '9'; ++i)
                precision =
                    std::min(precision * 10 + static_cast<std::size_t>(pattern[i] - '0'), kMostDigits + 1);
            if (i == first || precision > kMostDigits)
                return Value::failure("could not parse formatting clause: a precision is 0 to " +
                                      std::to_string(kMostDigits));
        }
        if (i >= pattern.size())
            return Value::failure("could not parse formatting clause: it ends after '%'");
        if (next >= arguments.size())
            return Value::failure("index " + std::to_string(next) + " out of range");
        const Value piece = clause(pattern[i], precision, arguments[next++]);
        const auto* text = piece.get<std::string>();
        if (!text) return piece;
        out += *text;
    }
    return out.size() > kLongestText ? too_large() : Value(std::move(out));
}

}  // namespace autotune::cel
