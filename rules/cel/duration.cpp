#include "rules/cel/duration.hpp"

#include <array>
#include <cctype>
#include <cstdint>
#include <limits>

namespace autotune::cel {

namespace {

struct Unit {
    std::string_view name;
    std::int64_t ns;
};
// Longer names first: "ms" before "m".
constexpr std::array<Unit, 8> kUnits{{{"ms", 1'000'000},
                                      {"us", 1'000},
                                      {"\u00b5s", 1'000},
                                      {"\u03bcs", 1'000},
                                      {"ns", 1},
                                      {"h", 3'600'000'000'000},
                                      {"m", 60'000'000'000},
                                      {"s", 1'000'000'000}}};

__extension__ using Wide = __int128;
constexpr Wide kLargest = std::numeric_limits<std::int64_t>::max();

bool digit(char c) { return c >= '0' && c <= '9'; }

// Takes "12.5" off the front of text: 12 and 5/10. False when there are no digits or too many.
struct Decimal {
    Wide whole = 0, fraction = 0, scale = 1;
};
std::optional<Decimal> take_decimal(std::string_view& text) {
    Decimal d;
    std::size_t i = 0;
    std::size_t digits = 0;
    for (; i < text.size() && digit(text[i]); ++i, ++digits) {
        d.whole = d.whole * 10 + (text[i] - '0');
        if (d.whole > kLargest) return std::nullopt;
    }
    if (i < text.size() && text[i] == '.') {
        for (++i; i < text.size() && digit(text[i]); ++i, ++digits) {
            if (d.scale >= 1'000'000'000'000'000) continue;  // below a nanosecond of an hour
            d.fraction = d.fraction * 10 + (text[i] - '0');
            d.scale *= 10;
        }
    }
    if (digits == 0) return std::nullopt;
    text.remove_prefix(i);
    return d;
}

}  // namespace

std::optional<Nanos> parse_duration(std::string_view text) {
    Wide sign = 1;
    if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
        if (text[0] == '-') sign = -1;
        text.remove_prefix(1);
    }
    if (text == "0") return Nanos(0);
    if (text.empty()) return std::nullopt;
    Wide total = 0;
    while (!text.empty()) {
        const auto number = take_decimal(text);
        if (!number) return std::nullopt;
        const Unit* unit = nullptr;
        for (const Unit& u : kUnits)
            if (!unit && text.starts_with(u.name)) unit = &u;
        if (!unit) return std::nullopt;
        text.remove_prefix(unit->name.size());
        total += number->whole * unit->ns + number->fraction * unit->ns / number->scale;
        if (total > kLargest) return std::nullopt;
    }
    return Nanos(static_cast<std::int64_t>(sign * total));
}

std::string format_duration(Nanos duration) {
    const std::int64_t ns = duration.count();
    // The magnitude of the smallest value has no signed form.
    const std::uint64_t magnitude =
        ns < 0 ? 0 - static_cast<std::uint64_t>(ns) : static_cast<std::uint64_t>(ns);
    std::string out = (ns < 0 ? "-" : "") + std::to_string(magnitude / 1'000'000'000);
    std::string fraction = std::to_string(magnitude % 1'000'000'000);
    fraction.insert(0, 9 - fraction.size(), '0');
    while (!fraction.empty() && fraction.back() == '0') fraction.pop_back();
    if (!fraction.empty()) out += "." + fraction;
    return out + "s";
}

}  // namespace autotune::cel
