// dyn, int, uint, double, string, duration: from one kind to another; what does not fit is an error.
// getHours, getMinutes, getSeconds, getMilliseconds of durations.
#include <cerrno>
#include <charconv>
#include <cmath>

#include "rules/cel/duration.hpp"
#include "rules/cel/standard.hpp"
#include "rules/cel/string_literal.hpp"

namespace autotune::cel {

namespace {

Value out_of_range(const Value& v, std::string_view type) {
    return Value::failure(to_string(v) + " is outside the range of " + std::string(type));
}

Value same(Arguments a) { return a[0]; }

Value integer_from_unsigned(Arguments a) {
    const auto u = *a[0].get<std::uint64_t>();
    return u > INT64_MAX ? out_of_range(a[0], "int") : Value(static_cast<std::int64_t>(u));
}
Value integer_from_number(Arguments a) {
    const double d = *a[0].get<double>();
    // Both bounds are exact as doubles; the ends themselves are refused, as the language's tests ask.
    if (!(d > -9223372036854775808.0 && d < 9223372036854775808.0)) return out_of_range(a[0], "int");
    return static_cast<std::int64_t>(d);
}
Value unsigned_from_integer(Arguments a) {
    const auto i = *a[0].get<std::int64_t>();
    return i < 0 ? out_of_range(a[0], "uint") : Value(static_cast<std::uint64_t>(i));
}
Value unsigned_from_number(Arguments a) {
    const double d = *a[0].get<double>();
    if (!(d >= 0 && d < 18446744073709551616.0)) return out_of_range(a[0], "uint");
    return static_cast<std::uint64_t>(d);
}
template <class T>
Value number_from(Arguments a) {
    return static_cast<double>(*a[0].get<T>());
}

template <class T>
Value parsed(Arguments a) {
    const std::string& text = *a[0].get<std::string>();
    T value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || text.empty())
        return Value::failure(to_string(a[0]) + " is not a number of this type");
    return value;
}

Value duration_from_text(Arguments a) {
    const auto duration = parse_duration(*a[0].get<std::string>());
    if (!duration)
        return Value::failure(to_string(a[0]) + " is no duration; durations look like \"1h30m\", \"250ms\"");
    return *duration;
}

Value text_from_bytes(Arguments a) {
    const std::string& data = a[0].get<Bytes>()->data;
    return valid_utf8(data) ? Value(data) : Value::failure("the bytes are not UTF-8");
}
Value bytes_from_text(Arguments a) { return Bytes{*a[0].get<std::string>()}; }
Value text_from_duration(Arguments a) { return format_duration(*a[0].get<Nanos>()); }
Value text_from_literal(Arguments a) {
    std::string text = to_string(a[0]);
    if (a[0].kind() == Kind::unsigned_integer) text.pop_back();                             // 1u
    if (a[0].kind() == Kind::number && text.ends_with(".0")) text.resize(text.size() - 2);  // 1.0
    return text;
}

// The whole duration in a unit; milliseconds alone are those beyond the last full second.
template <class Unit>
Value whole(Arguments a) {
    return std::chrono::duration_cast<Unit>(*a[0].get<Nanos>()).count();
}
Value milliseconds(Arguments a) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(*a[0].get<Nanos>() % std::chrono::seconds(1))
        .count();
}

}  // namespace

void add_conversions(std::vector<Overload>& table) {
    const auto from = [&](std::string_view name, Kind parameter, Kind result, Value (*apply)(Arguments)) {
        table.push_back({name, Overload::Style::global, {parameter}, result, apply});
    };
    from("dyn", Kind::dyn, Kind::dyn, same);
    from("int", Kind::integer, Kind::integer, same);
    from("int", Kind::unsigned_integer, Kind::integer, integer_from_unsigned);
    from("int", Kind::number, Kind::integer, integer_from_number);
    from("int", Kind::text, Kind::integer, parsed<std::int64_t>);
    from("uint", Kind::unsigned_integer, Kind::unsigned_integer, same);
    from("uint", Kind::integer, Kind::unsigned_integer, unsigned_from_integer);
    from("uint", Kind::number, Kind::unsigned_integer, unsigned_from_number);
    from("uint", Kind::text, Kind::unsigned_integer, parsed<std::uint64_t>);
    from("double", Kind::number, Kind::number, same);
    from("double", Kind::integer, Kind::number, number_from<std::int64_t>);
    from("double", Kind::unsigned_integer, Kind::number, number_from<std::uint64_t>);
    from("double", Kind::text, Kind::number, parsed<double>);
    from("duration", Kind::duration, Kind::duration, same);
    from("duration", Kind::text, Kind::duration, duration_from_text);
    from("string", Kind::text, Kind::text, same);
    from("string", Kind::bytes, Kind::text, text_from_bytes);
    from("string", Kind::duration, Kind::text, text_from_duration);
    for (const Kind kind : {Kind::boolean, Kind::integer, Kind::unsigned_integer, Kind::number})
        from("string", kind, Kind::text, text_from_literal);
    from("bytes", Kind::bytes, Kind::bytes, same);
    from("bytes", Kind::text, Kind::bytes, bytes_from_text);
    const auto part = [&](std::string_view name, Value (*apply)(Arguments)) {
        table.push_back({name, Overload::Style::member, {Kind::duration}, Kind::integer, apply});
    };
    part("getHours", whole<std::chrono::duration<std::int64_t, std::ratio<3600>>>);
    part("getMinutes", whole<std::chrono::duration<std::int64_t, std::ratio<60>>>);
    part("getSeconds", whole<std::chrono::duration<std::int64_t>>);
    part("getMilliseconds", milliseconds);
}

}  // namespace autotune::cel
