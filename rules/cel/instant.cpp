#include "rules/cel/instant.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>

namespace autotune::cel {

namespace {

constexpr std::int64_t kDaySeconds = 86400;
constexpr std::int64_t kSecondNanos = 1'000'000'000;

std::int64_t floor_div(std::int64_t a, std::int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

// Reads from the front of a text; once something does not fit, nothing does.
class Reader {
public:
    explicit Reader(std::string_view text) : rest_(text) {}

    int number(std::size_t digits) {
        if (rest_.size() < digits) return fail();
        int value = 0;
        for (std::size_t i = 0; i < digits; ++i) {
            if (rest_[i] < '0' || rest_[i] > '9') return fail();
            value = value * 10 + (rest_[i] - '0');
        }
        rest_.remove_prefix(digits);
        return value;
    }
    // One of `which`, which is returned; '\0' when there is none.
    char one_of(std::string_view which) {
        if (rest_.empty() || which.find(rest_[0]) == std::string_view::npos) return '\0';
        const char c = rest_[0];
        rest_.remove_prefix(1);
        return c;
    }
    void expect(std::string_view which) {
        if (!one_of(which)) fail();
    }
    [[nodiscard]] bool at_digit() const { return !rest_.empty() && rest_[0] >= '0' && rest_[0] <= '9'; }
    [[nodiscard]] bool done() const { return good_ && rest_.empty(); }
    int fail() { return good_ = false, 0; }

private:
    std::string_view rest_;
    bool good_ = true;
};

std::int32_t fraction(Reader& in) {
    if (!in.one_of(".")) return 0;
    std::int32_t nanos = 0;
    int digits = 0;
    for (; in.at_digit() && digits < 9; ++digits) nanos = nanos * 10 + in.number(1);
    if (digits == 0) in.fail();
    for (; digits < 9; ++digits) nanos *= 10;
    return nanos;
}

// Seconds east of UTC.
std::int64_t offset(Reader& in) {
    if (in.one_of("Zz")) return 0;
    const char sign = in.one_of("+-");
    if (!sign) return in.fail();
    const int hours = in.number(2);
    in.expect(":");
    const int minutes = in.number(2);
    if (hours > 23 || minutes > 59) in.fail();
    return (sign == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
}

}  // namespace

std::optional<Instant> parse_instant(std::string_view text) {
    namespace ch = std::chrono;
    Reader in(text);
    const int year = in.number(4);
    in.expect("-");
    const auto month = static_cast<unsigned>(in.number(2));
    in.expect("-");
    const auto day = static_cast<unsigned>(in.number(2));
    in.expect("Tt");
    const int hour = in.number(2);
    in.expect(":");
    const int minute = in.number(2);
    in.expect(":");
    const int second = in.number(2);
    const std::int32_t nanos = fraction(in);
    const std::int64_t east = offset(in);
    const ch::year_month_day date{ch::year(year), ch::month(month), ch::day(day)};
    if (!in.done() || !date.ok() || hour > 23 || minute > 59 || second > 59) return std::nullopt;
    const std::int64_t days = ch::sys_days(date).time_since_epoch().count();
    const Instant out{days * kDaySeconds + hour * 3600 + minute * 60 + second - east, nanos};
    return in_range(out) ? std::optional(out) : std::nullopt;
}

std::string format_instant(Instant instant) {
    const Civil c = civil(instant.seconds);
    char text[80];
    std::snprintf(text, sizeof text, "%04lld-%02d-%02dT%02d:%02d:%02d", static_cast<long long>(c.year),
                  c.month, c.day, c.hour, c.minute, c.second);
    std::string out = text;
    if (instant.nanos != 0) {
        std::snprintf(text, sizeof text, ".%09d", static_cast<int>(instant.nanos));
        out += text;
        while (out.back() == '0') out.pop_back();
    }
    return out + "Z";
}

std::optional<Instant> plus(Instant instant, Nanos duration) {
    const std::int64_t ns = duration.count();
    const std::int64_t whole = floor_div(ns, kSecondNanos);
    Instant out{instant.seconds + whole,
                instant.nanos + static_cast<std::int32_t>(ns - whole * kSecondNanos)};
    if (out.nanos >= kSecondNanos) {
        out.nanos -= static_cast<std::int32_t>(kSecondNanos);
        ++out.seconds;
    }
    return in_range(out) ? std::optional(out) : std::nullopt;
}

std::optional<Nanos> between(Instant from, Instant to) {
    std::int64_t ns = 0;
    if (__builtin_mul_overflow(to.seconds - from.seconds, kSecondNanos, &ns) ||
        __builtin_add_overflow(ns, static_cast<std::int64_t>(to.nanos) - from.nanos, &ns))
        return std::nullopt;
    return Nanos(ns);
}

Civil civil(std::int64_t seconds) {
    namespace ch = std::chrono;
    const std::int64_t days = floor_div(seconds, kDaySeconds);
    const auto rest = static_cast<int>(seconds - days * kDaySeconds);
    const ch::sys_days day{ch::days(days)};
    const ch::year_month_day date(day);
    const int year = static_cast<int>(date.year());
    return {.year = year,
            .month = static_cast<int>(static_cast<unsigned>(date.month())),
            .day = static_cast<int>(static_cast<unsigned>(date.day())),
            .hour = rest / 3600,
            .minute = rest / 60 % 60,
            .second = rest % 60,
            .day_of_week = static_cast<int>(ch::weekday(day).c_encoding()),
            .day_of_year = static_cast<int>(days - days_from_civil(year, 1, 1))};
}

std::int64_t days_from_civil(std::int64_t year, int month, int day) {
    namespace ch = std::chrono;
    return ch::sys_days(ch::year(static_cast<int>(year)) / month / day).time_since_epoch().count();
}

}  // namespace autotune::cel
