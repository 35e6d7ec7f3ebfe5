// dyn, type, bool, int, uint, double, string, bytes, duration, timestamp: from one kind to another; what
// does not fit is an error.
#include <cerrno>
#include <charconv>
#include <cmath>

#include "rules/cel/duration.hpp"
#include "rules/cel/names.hpp"
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
Value text_from_timestamp(Arguments a) { return format_instant(arg<Instant>(a, 0)); }
Value text_from_number(Arguments a) { return shortest(arg<double>(a, 0)); }
Value text_from_bool(Arguments a) { return std::string(arg<bool>(a, 0) ? "true" : "false"); }
template <class T>
Value text_from(Arguments a) {
    return std::to_string(arg<T>(a, 0));
}

Value bool_from_text(Arguments a) {
    const std::string& text = arg<std::string>(a, 0);
    for (const char* yes : {"1", "t", "true", "TRUE", "True"})
        if (text == yes) return true;
    for (const char* no : {"0", "f", "false", "FALSE", "False"})
        if (text == no) return false;
    return Value::failure(to_string(a[0]) + " is no bool");
}

Value timestamp_from_text(Arguments a) {
    const auto instant = parse_instant(arg<std::string>(a, 0));
    if (!instant)
        return Value::failure(
            to_string(a[0]) +
            " is no timestamp of the years 1 to 9999; they look like \"2009-02-13T23:31:30Z\"");
    return *instant;
}
Value timestamp_from_integer(Arguments a) {
    const Instant instant{arg<std::int64_t>(a, 0), 0};
    return in_range(instant) ? Value(instant) : out_of_range(a[0], "timestamp");
}
Value integer_from_timestamp(Arguments a) { return arg<Instant>(a, 0).seconds; }

Value type_of_value(Arguments a) { return TypeName{std::string(type_name(a[0].kind()))}; }

}  // namespace

void add_conversions(std::vector<Overload>& table) {
    const auto from = [&](std::string_view name, Kind parameter, Kind result, Value (*apply)(Arguments)) {
        table.push_back({name, Style::global, {parameter}, result, apply});
    };
    const std::pair<std::string_view, Kind> kinds[] = {{"dyn", Kind::dyn},
                                                       {"bool", Kind::boolean},
                                                       {"int", Kind::integer},
                                                       {"uint", Kind::unsigned_integer},
                                                       {"double", Kind::number},
                                                       {"string", Kind::text},
                                                       {"bytes", Kind::bytes},
                                                       {"duration", Kind::duration},
                                                       {"timestamp", Kind::timestamp}};
    for (const auto& [name, kind] : kinds) from(name, kind, kind, same);
    from("type", Kind::dyn, Kind::type, type_of_value);
    from("bool", Kind::text, Kind::boolean, bool_from_text);
    from("int", Kind::timestamp, Kind::integer, integer_from_timestamp);
    from("timestamp", Kind::text, Kind::timestamp, timestamp_from_text);
    from("timestamp", Kind::integer, Kind::timestamp, timestamp_from_integer);
    from("string", Kind::timestamp, Kind::text, text_from_timestamp);
    from("string", Kind::boolean, Kind::text, text_from_bool);
    from("string", Kind::integer, Kind::text, text_from<std::int64_t>);
    from("string", Kind::unsigned_integer, Kind::text, text_from<std::uint64_t>);
    from("string", Kind::number, Kind::text, text_from_number);
    from("int", Kind::unsigned_integer, Kind::integer, integer_from_unsigned);
    from("int", Kind::number, Kind::integer, integer_from_number);
    from("int", Kind::text, Kind::integer, parsed<std::int64_t>);
    from("uint", Kind::integer, Kind::unsigned_integer, unsigned_from_integer);
    from("uint", Kind::number, Kind::unsigned_integer, unsigned_from_number);
    from("uint", Kind::text, Kind::unsigned_integer, parsed<std::uint64_t>);
    from("double", Kind::integer, Kind::number, number_from<std::int64_t>);
    from("double", Kind::unsigned_integer, Kind::number, number_from<std::uint64_t>);
    from("double", Kind::text, Kind::number, parsed<double>);
    from("duration", Kind::text, Kind::duration, duration_from_text);
    from("string", Kind::bytes, Kind::text, text_from_bytes);
    from("string", Kind::duration, Kind::text, text_from_duration);
    from("bytes", Kind::text, Kind::bytes, bytes_from_text);
}

}  // namespace autotune::cel
