// POSIX's TZ rules (IEEE 1003.1, 8.3, with RFC 8536's extension): what the tz database says of the
// years that its tables do not reach.
#include <algorithm>
#include <chrono>
#include <optional>

#include "rules/cel/instant.hpp"
#include "rules/cel/zone.hpp"

namespace autotune::cel {

namespace {

bool digit(char c) { return c >= '0' && c <= '9'; }

// When in a year: the week-th `weekday` of `month` (5: the last), at `time` of the local clock.
struct Date {
    int month = 1, week = 1, weekday = 0;
    std::int64_t time = 2 * 3600;
};

class Rule {
public:
    explicit Rule(std::string_view text) : rest_(text) {}

    std::optional<std::int64_t> at(std::int64_t seconds) {
        name();
        const std::int64_t standard = -clock();
        if (good_ && rest_.empty()) return standard;
        name();
        const std::int64_t summer = rest_.starts_with(',') ? standard + 3600 : -clock();
        const Date start = date(), end = date();
        if (!good_ || !rest_.empty()) return std::nullopt;
        const std::int64_t year = civil(seconds + standard).year;
        const std::int64_t from = instant(year, start) - standard, until = instant(year, end) - summer;
        const bool is_summer =
            from < until ? seconds >= from && seconds < until : seconds >= from || seconds < until;
        return is_summer ? summer : standard;
    }

private:
    void name() {  // "CST", "<+0530>"
        std::size_t length = 0;
        if (rest_.starts_with('<')) {
            length = std::min(rest_.find('>'), rest_.size() - 1) + 1;
        } else {
            while (length < rest_.size() && ((rest_[length] | 0x20) >= 'a' && (rest_[length] | 0x20) <= 'z'))
                ++length;
        }
        if (length < 3) good_ = false;
        rest_.remove_prefix(length);
    }

    std::int64_t number() {
        if (rest_.empty() || !digit(rest_[0])) good_ = false;
        std::int64_t value = 0;
        for (int digits = 0; !rest_.empty() && digit(rest_[0]); rest_.remove_prefix(1))
            if (++digits > 4)
                good_ = false;
            else
                value = value * 10 + (rest_[0] - '0');
        return value;
    }
    bool take(char c) {
        if (!rest_.starts_with(c)) return false;
        rest_.remove_prefix(1);
        return true;
    }

    std::int64_t clock() {  // [+-]hh[:mm[:ss]]
        const bool negative = take('-');
        if (!negative) take('+');
        std::int64_t seconds = number() * 3600;
        if (take(':')) seconds += number() * 60;
        if (take(':')) seconds += number();
        return negative ? -seconds : seconds;
    }

    Date date() {  // ",M3.2.0/2"
        Date d;
        if (!take(',') || !take('M')) good_ = false;
        d.month = static_cast<int>(number());
        good_ &= take('.');
        d.week = static_cast<int>(number());
        good_ &= take('.');
        d.weekday = static_cast<int>(number());
        if (take('/')) d.time = clock();
        if (d.month < 1 || d.month > 12 || d.week < 1 || d.week > 5 || d.weekday > 6) good_ = false;
        return d;
    }

    // Seconds of the local clock since 1970.
    static std::int64_t instant(std::int64_t year, const Date& d) {
        namespace ch = std::chrono;
        const auto y = ch::year(static_cast<int>(year));
        const auto m = ch::month(static_cast<unsigned>(d.month));
        const ch::weekday w(static_cast<unsigned>(d.weekday));
        const ch::sys_days day = d.week == 5 ? ch::sys_days(y / m / w[ch::last])
                                             : ch::sys_days(y / m / w[static_cast<unsigned>(d.week)]);
        return day.time_since_epoch().count() * 86400 + d.time;
    }

    std::string_view rest_;
    bool good_ = true;
};

}  // namespace

std::optional<std::int64_t> posix_offset(std::string_view rule, std::int64_t seconds) {
    return Rule(rule).at(seconds);
}

}  // namespace autotune::cel
