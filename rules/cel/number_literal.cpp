#include "rules/cel/number_literal.hpp"

#include <charconv>
#include <cmath>
#include <cstdlib>

namespace autotune::cel {

namespace {

template <class T>
std::variant<Value, std::string> integer(const std::string& digits, int base) {
    T value{};
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
    if (error != std::errc{} || end != digits.data() + digits.size())
        return std::string("the number does not fit in 64 bits");
    return Value(value);
}

}  // namespace

std::variant<Value, std::string> read_number(const Token& token, std::string_view sign) {
    std::string digits(token.spelling);
    if (token.what == Token::What::number) {
        // Not from_chars, which takes numbers too small for a double for an error.
        const double value = std::strtod((std::string(sign) + digits).c_str(), nullptr);
        if (std::isinf(value)) return std::string("the number does not fit in a double");
        return Value(value);
    }
    const int base = digits.starts_with("0x") || digits.starts_with("0X") ? 16 : 10;
    if (base == 16) digits.erase(0, 2);
    if (token.what == Token::What::unsigned_integer) return integer<std::uint64_t>(digits, base);
    return integer<std::int64_t>(std::string(sign) + digits, base);
}

}  // namespace autotune::cel
