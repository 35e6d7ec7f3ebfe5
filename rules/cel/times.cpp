// Arithmetic of timestamps, and the parts of timestamps and durations.
#include "rules/cel/standard.hpp"
#include "rules/cel/zone.hpp"

namespace autotune::cel {

namespace {

constexpr auto kMember = Style::member;

Value instant_or(std::optional<Instant> instant) {
    return instant ? Value(*instant) : Value::failure("timestamp out of range: outside the years 1 to 9999");
}

Value after(Arguments a) { return instant_or(plus(arg<Instant>(a, 0), arg<Nanos>(a, 1))); }
Value after_reversed(Arguments a) { return instant_or(plus(arg<Instant>(a, 1), arg<Nanos>(a, 0))); }
Value before(Arguments a) {
    const Nanos d = arg<Nanos>(a, 1);
    if (d == Nanos::min()) return instant_or(std::nullopt);
    return instant_or(plus(arg<Instant>(a, 0), -d));
}
Value difference(Arguments a) {
    const auto d = between(arg<Instant>(a, 1), arg<Instant>(a, 0));
    return d ? Value(*d) : Value::failure("duration out of range: more than 292 years");
}

// The whole duration in a unit; milliseconds alone are those beyond the last full second.
template <class Unit>
Value whole(Arguments a) {
    return std::chrono::duration_cast<Unit>(arg<Nanos>(a, 0)).count();
}
Value milliseconds_of_duration(Arguments a) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(arg<Nanos>(a, 0) % std::chrono::seconds(1))
        .count();
}

// A part of a timestamp, in UTC or in the zone that is the second argument.
template <std::int64_t (*Part)(const Civil&, Instant)>
Value part(Arguments a) {
    const Instant instant = arg<Instant>(a, 0);
    std::int64_t east = 0;
    if (a.size() > 1) {
        const auto offset = zone_offset(arg<std::string>(a, 1), instant.seconds);
        if (!offset) return Value::failure("there is no time zone " + to_string(a[1]));
        east = *offset;
    }
    return Part(civil(instant.seconds + east), instant);
}

std::int64_t year(const Civil& c, Instant) { return c.year; }
std::int64_t month(const Civil& c, Instant) { return c.month - 1; }
std::int64_t date(const Civil& c, Instant) { return c.day; }
std::int64_t day_of_month(const Civil& c, Instant) { return c.day - 1; }
std::int64_t day_of_week(const Civil& c, Instant) { return c.day_of_week; }
std::int64_t day_of_year(const Civil& c, Instant) { return c.day_of_year; }
std::int64_t hours(const Civil& c, Instant) { return c.hour; }
std::int64_t minutes(const Civil& c, Instant) { return c.minute; }
std::int64_t seconds(const Civil& c, Instant) { return c.second; }
std::int64_t milliseconds(const Civil&, Instant i) { return i.nanos / 1'000'000; }

}  // namespace

void add_times(std::vector<Overload>& table) {
    constexpr auto kGlobal = Style::global;
    table.push_back({"_+_", kGlobal, {Kind::timestamp, Kind::duration}, Kind::timestamp, after});
    table.push_back({"_+_", kGlobal, {Kind::duration, Kind::timestamp}, Kind::timestamp, after_reversed});
    table.push_back({"_-_", kGlobal, {Kind::timestamp, Kind::duration}, Kind::timestamp, before});
    table.push_back({"_-_", kGlobal, {Kind::timestamp, Kind::timestamp}, Kind::duration, difference});
    const auto of_duration = [&](std::string_view name, Value (*apply)(Arguments)) {
        table.push_back({name, kMember, {Kind::duration}, Kind::integer, apply});
    };
    of_duration("getHours", whole<std::chrono::duration<std::int64_t, std::ratio<3600>>>);
    of_duration("getMinutes", whole<std::chrono::duration<std::int64_t, std::ratio<60>>>);
    of_duration("getSeconds", whole<std::chrono::duration<std::int64_t>>);
    of_duration("getMilliseconds", milliseconds_of_duration);
    const auto of_timestamp = [&](std::string_view name, Value (*apply)(Arguments)) {
        table.push_back({name, kMember, {Kind::timestamp}, Kind::integer, apply});
        table.push_back({name, kMember, {Kind::timestamp, Kind::text}, Kind::integer, apply});
    };
    of_timestamp("getFullYear", part<year>);
    of_timestamp("getMonth", part<month>);
    of_timestamp("getDate", part<date>);
    of_timestamp("getDayOfMonth", part<day_of_month>);
    of_timestamp("getDayOfWeek", part<day_of_week>);
    of_timestamp("getDayOfYear", part<day_of_year>);
    of_timestamp("getHours", part<hours>);
    of_timestamp("getMinutes", part<minutes>);
    of_timestamp("getSeconds", part<seconds>);
    of_timestamp("getMilliseconds", part<milliseconds>);
}

}  // namespace autotune::cel
