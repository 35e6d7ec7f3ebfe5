// Decimal: a number with 18 digits behind the point, for money and for what is billed. Exact where a double
// is not: 0.1 + 0.2 is 0.3.
//
// Sums and differences are exact. A product or quotient is cut (towards zero) behind the 18th digit: of
// dollars, a thousandth of a millionth of a millionth of a cent. What goes beyond ±1.7e20 is too_large(), and
// stays it through all that is computed from it: ask the result once.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace autotune {

class Decimal {
public:
    static constexpr int kDigits = 18;

    constexpr Decimal() = default;
    constexpr Decimal(std::int64_t whole) : raw_(static_cast<Raw>(whole) * kOne) {}  // NOLINT: implicit

    // "-12", "0.5", "1.67e-5". nullopt: no number, digits behind the 18th, or too large.
    [[nodiscard]] static std::optional<Decimal> parse(std::string_view text);
    // REQUIRES: finite. The nearest with 12 digits behind the point.
    [[nodiscard]] static Decimal nearest(double value);

    [[nodiscard]] constexpr bool too_large() const { return raw_ >= kLimit || raw_ <= -kLimit; }
    [[nodiscard]] constexpr bool is_zero() const { return raw_ == 0; }

    friend Decimal operator+(Decimal a, Decimal b);
    friend Decimal operator-(Decimal a, Decimal b) { return a + b.negative(); }
    friend Decimal operator*(Decimal a, Decimal b);
    // REQUIRES: !b.is_zero().
    friend Decimal operator/(Decimal a, Decimal b);
    Decimal& operator+=(Decimal b) { return *this = *this + b; }
    Decimal& operator-=(Decimal b) { return *this = *this - b; }
    friend constexpr auto operator<=>(Decimal, Decimal) = default;

    [[nodiscard]] constexpr Decimal negative() const { return from_raw(-raw_); }
    // The least whole number that is not below it.
    [[nodiscard]] Decimal ceiling() const;
    // Half a unit of the last of `digits` (0 to 18) goes away from zero, as bills are rounded.
    [[nodiscard]] Decimal rounded(int digits) const;

    // Without zeros at the end: "0.0000166667".
    [[nodiscard]] std::string text() const;
    // Rounded to `digits` behind the point, which are all written: "12.30".
    [[nodiscard]] std::string text(int digits) const;
    [[nodiscard]] double approximate() const;

private:
    __extension__ using Raw = __int128;
    static constexpr Raw kOne = 1'000'000'000'000'000'000;
    static constexpr Raw kLimit = static_cast<Raw>(170) * kOne * kOne;

    static constexpr Decimal from_raw(Raw raw) {
        Decimal d;
        d.raw_ = raw;
        return d;
    }
    static constexpr Decimal beyond(bool below_zero) { return from_raw(below_zero ? -kLimit : kLimit); }

    Raw raw_ = 0;
};

}  // namespace autotune
