#include "core/decimal.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

namespace autotune {

namespace {

__extension__ using Wide = unsigned __int128;

constexpr std::uint64_t kTen18 = 1'000'000'000'000'000'000;

struct Product {
    Wide high = 0, low = 0;
};

Product multiply(Wide a, Wide b) {
    const Wide a0 = static_cast<std::uint64_t>(a), a1 = a >> 64;
    const Wide b0 = static_cast<std::uint64_t>(b), b1 = b >> 64;
    const Wide low = a0 * b0;
    // Each of these is at most (2^64 - 1)^2 + 2 (2^64 - 1), which is below 2^128.
    const Wide middle = a1 * b0 + (low >> 64);
    const Wide other = a0 * b1 + static_cast<std::uint64_t>(middle);
    return {a1 * b1 + (middle >> 64) + (other >> 64), (other << 64) | static_cast<std::uint64_t>(low)};
}

// The product of both, divided by 10^18; nullopt from 2^127 on.
std::optional<Wide> times_over_ten18(Wide a, Wide b) {
    const Product p = multiply(a, b);
    if (p.high == 0) return p.low / kTen18;
    if (p.high >= kTen18 / 2) return std::nullopt;
    // Long division by one digit of base 2^64.
    const auto first = static_cast<std::uint64_t>(p.high);  // below the divisor: its quotient is 0
    Wide rest = (static_cast<Wide>(first) << 64) | static_cast<std::uint64_t>(p.low >> 64);
    const Wide upper = rest / kTen18;
    rest = ((rest % kTen18) << 64) | static_cast<std::uint64_t>(p.low);
    return (upper << 64) | (rest / kTen18);
}

// a · 10^18 / b by long division, bit by bit: called seldom.
std::optional<Wide> ten18_times_over(Wide a, Wide b) {
    const Product p = multiply(a, kTen18);
    Wide rest = 0, quotient = 0;
    for (int bit = 255; bit >= 0; --bit) {
        const Wide next = bit >= 128 ? (p.high >> (bit - 128)) & 1 : (p.low >> bit) & 1;
        rest = (rest << 1) | next;  // both are below 2^127, for b is
        if (quotient >> 126) return std::nullopt;
        quotient <<= 1;
        if (rest >= b) {
            rest -= b;
            quotient |= 1;
        }
    }
    return quotient;
}

}  // namespace

Decimal operator+(Decimal a, Decimal b) {
    if (a.too_large()) return a;
    if (b.too_large()) return b;
    Decimal::Raw sum = 0;  // two below the limit may be beyond 2^127
    if (__builtin_add_overflow(a.raw_, b.raw_, &sum)) return Decimal::beyond(a.raw_ < 0);
    return Decimal::from_raw(sum).too_large() ? Decimal::beyond(sum < 0) : Decimal::from_raw(sum);
}

Decimal operator*(Decimal a, Decimal b) {
    const bool below = (a.raw_ < 0) != (b.raw_ < 0);
    if (a.too_large() || b.too_large()) return Decimal::beyond(below);
    const auto magnitude = [](Decimal d) { return static_cast<Wide>(d.raw_ < 0 ? -d.raw_ : d.raw_); };
    const auto product = times_over_ten18(magnitude(a), magnitude(b));
    if (!product || *product >= static_cast<Wide>(Decimal::kLimit)) return Decimal::beyond(below);
    const auto raw = static_cast<Decimal::Raw>(*product);
    return Decimal::from_raw(below ? -raw : raw);
}

Decimal operator/(Decimal a, Decimal b) {
    const bool below = (a.raw_ < 0) != (b.raw_ < 0);
    if (a.too_large() || b.too_large()) return Decimal::beyond(below);
    const auto magnitude = [](Decimal d) { return static_cast<Wide>(d.raw_ < 0 ? -d.raw_ : d.raw_); };
    // By a whole number: a common case, and fast.
    const Wide over = magnitude(b);
    const auto quotient = over % kTen18 == 0 ? std::optional<Wide>(magnitude(a) / (over / kTen18))
                                             : ten18_times_over(magnitude(a), over);
    if (!quotient || *quotient >= static_cast<Wide>(Decimal::kLimit)) return Decimal::beyond(below);
    const auto raw = static_cast<Decimal::Raw>(*quotient);
    return Decimal::from_raw(below ? -raw : raw);
}

Decimal Decimal::ceiling() const {
    if (too_large()) return *this;
    const Raw fraction = raw_ % kOne;
    return from_raw(raw_ - fraction) + (fraction > 0 ? Decimal(1) : Decimal());
}

Decimal Decimal::rounded(int digits) const {
    if (too_large()) return *this;
    Raw unit = kOne;
    for (int i = 0; i < digits; ++i) unit /= 10;
    const Raw fraction = raw_ % unit;
    const Raw cut = raw_ - fraction;
    if ((fraction < 0 ? -fraction : fraction) * 2 < unit) return from_raw(cut);
    return from_raw(cut) + from_raw(raw_ < 0 ? -unit : unit);
}

std::optional<Decimal> Decimal::parse(std::string_view text) {
    const bool below = text.starts_with('-');
    if (below) text.remove_prefix(1);
    int exponent = 0;
    if (const auto e = text.find_first_of("eE"); e != std::string_view::npos) {
        std::string_view power = text.substr(e + 1);
        if (power.starts_with('+')) power.remove_prefix(1);
        const auto [end, failure] = std::from_chars(power.data(), power.data() + power.size(), exponent);
        if (power.empty() || failure != std::errc{} || end != power.data() + power.size())
            return std::nullopt;
        if (exponent < -1000 || exponent > 1000) return std::nullopt;
        text = text.substr(0, e);
    }
    const auto point = std::min(text.find('.'), text.size());
    std::string digits(text.substr(0, point));
    if (point < text.size()) {
        const std::string_view fraction = text.substr(point + 1);
        if (fraction.empty()) return std::nullopt;
        digits += fraction;
    }
    if (point == 0 || digits.find_first_not_of("0123456789") != std::string::npos) return std::nullopt;
    // The number is digits · 10^scale; 10^-18 is the unit.
    int scale = exponent - static_cast<int>(digits.size() - point);
    while (!digits.empty() && digits.back() == '0' && scale < -kDigits) {
        digits.pop_back();
        ++scale;
    }
    digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size()));
    if (digits.empty()) return Decimal();
    if (scale < -kDigits || digits.size() + static_cast<std::size_t>(scale + kDigits) > 39)
        return std::nullopt;
    digits.append(static_cast<std::size_t>(scale + kDigits), '0');
    Wide raw = 0;
    for (const char c : digits) {
        if (raw >= static_cast<Wide>(kLimit) / 10) return std::nullopt;
        raw = raw * 10 + static_cast<unsigned>(c - '0');
    }
    return from_raw(below ? -static_cast<Raw>(raw) : static_cast<Raw>(raw));
}

Decimal Decimal::nearest(double value) {
    char text[400];
    std::snprintf(text, sizeof text, "%.12f", value);
    return parse(text).value_or(beyond(value < 0));
}

std::string Decimal::text(int digits) const {
    if (too_large()) return raw_ < 0 ? "below -1.7e20" : "above 1.7e20";
    const Decimal value = rounded(digits);
    Wide rest = static_cast<Wide>(value.raw_ < 0 ? -value.raw_ : value.raw_);
    std::string out;  // backwards
    for (int i = 0; i < kDigits || rest > 0 || i == kDigits; ++i, rest /= 10) {
        if (i == kDigits && digits > 0) out += '.';
        if (i >= kDigits - digits) out += static_cast<char>('0' + static_cast<int>(rest % 10));
    }
    if (value.raw_ < 0) out += '-';
    std::reverse(out.begin(), out.end());
    return out;
}

std::string Decimal::text() const {
    if (too_large()) return text(0);
    std::string out = text(kDigits);
    out.erase(out.find_last_not_of('0') + 1);
    if (out.ends_with('.')) out.pop_back();
    return out;
}

double Decimal::approximate() const { return static_cast<double>(raw_) / 1e18; }

}  // namespace autotune
