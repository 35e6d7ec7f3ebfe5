#include "rules/yaml/scalar.hpp"

#include <re2/re2.h>

#include <algorithm>
#include <array>

namespace autotune::rules {

namespace {

bool fits(std::string_view text, const RE2& pattern) {
    return RE2::FullMatch(re2::StringPiece(text.data(), text.size()), pattern);
}

std::string lower(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
    return out;
}

}  // namespace

bool is_number(std::string_view plain) {
    static const RE2 pattern(R"(-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?)");
    return fits(plain, pattern);
}

std::string ambiguous_number(std::string_view plain) {
    static const RE2 octal("[-+]?0[0-9]+"), other("[-+]?0[oxb][0-9a-fA-F_]+"),
        grouped("[-+]?[0-9][0-9_]*_[0-9_]*"), sexagesimal("[-+]?[0-9]+(:[0-5]?[0-9])+"),
        signed_number(R"(\+[0-9.]+)"), bare_fraction(R"(-?\.[0-9]+|-?[0-9]+\.)");
    if (fits(plain, octal)) {
        std::string digits(plain.substr(plain.find_first_of("0123456789")));
        digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size() - 1));
        return (plain[0] == '-' ? "-" : "") + digits + ", without leading zeros";
    }
    if (fits(plain, other) || fits(plain, grouped) || fits(plain, sexagesimal))
        return "it as a decimal number";
    if (fits(plain, signed_number)) return "it without '+'";
    if (fits(plain, bare_fraction)) return "digits on both sides of the point";
    return "";
}

std::string_view not_text_to_some(std::string_view plain) {
    constexpr std::array<std::string_view, 8> kBooleans{"true", "false", "yes", "no", "on", "off", "y", "n"};
    const std::string word = lower(plain);
    if (std::find(kBooleans.begin(), kBooleans.end(), word) != kBooleans.end()) return "a boolean";
    if (word == "null" || word == "~" || word.empty()) return "null";
    if (word == ".inf" || word == "-.inf" || word == "+.inf" || word == ".nan") return "a number";
    return is_number(plain) || !ambiguous_number(plain).empty() ? "a number" : "";
}

}  // namespace autotune::rules
