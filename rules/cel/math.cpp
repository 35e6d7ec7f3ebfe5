// The math extension: math.greatest, least, ceil, floor, round, trunc, abs, sign, isNaN, isInf, isFinite,
// sqrt, bitAnd, bitOr, bitXor, bitNot, bitShiftLeft, bitShiftRight.
#include <cmath>

#include "rules/cel/standard.hpp"

namespace autotune::cel {

namespace {

bool is_number(const Value& v) {
    return v.kind() == Kind::integer || v.kind() == Kind::unsigned_integer || v.kind() == Kind::number;
}

// The first of those that are as large (Sign 1) or as small (Sign -1) as any.
template <int Sign>
Value extreme(std::span<const Value> values) {
    if (values.empty()) return Value::failure("there is none of nothing");
    const Value* best = nullptr;
    for (const Value& v : values) {
        if (!is_number(v))
            return Value::failure("no such overload: " + std::string(to_string(v.kind())) + " is no number");
        if (!best || (Sign > 0 ? *compare(v, *best) > 0 : *compare(v, *best) < 0)) best = &v;
    }
    return *best;
}
template <int Sign>
Value extreme_of_list(Arguments a) {
    return extreme<Sign>(*a[0].elements());
}

template <double (*Apply)(double)>
Value real(Arguments a) {
    return Apply(arg<double>(a, 0));
}
Value is_nan(Arguments a) { return std::isnan(arg<double>(a, 0)); }
Value is_inf(Arguments a) { return std::isinf(arg<double>(a, 0)); }
Value is_finite(Arguments a) { return std::isfinite(arg<double>(a, 0)); }

Value same(Arguments a) { return a[0]; }
Value absolute(Arguments a) {
    const auto i = arg<std::int64_t>(a, 0);
    std::int64_t out = i;
    if (i < 0 && __builtin_sub_overflow(std::int64_t{0}, i, &out)) return Value::failure("integer overflow");
    return out;
}
template <class T>
Value sign(Arguments a) {
    const T v = arg<T>(a, 0);
    if constexpr (std::is_same_v<T, double>)
        if (std::isnan(v) || v == 0) return v;
    return static_cast<T>(static_cast<T>(v > T{0}) - static_cast<T>(v < T{0}));
}
Value square_root_of_integer(Arguments a) { return std::sqrt(static_cast<double>(arg<std::int64_t>(a, 0))); }
Value square_root_of_unsigned(Arguments a) {
    return std::sqrt(static_cast<double>(arg<std::uint64_t>(a, 0)));
}

// On the bits: a shift of a negative int brings zeros in.
template <class T, char Op>
Value bits(Arguments a) {
    const auto x = static_cast<std::uint64_t>(arg<T>(a, 0)), y = static_cast<std::uint64_t>(arg<T>(a, 1));
    return static_cast<T>(Op == '&' ? x & y : Op == '|' ? x | y : x ^ y);
}
template <class T>
Value complement(Arguments a) {
    return static_cast<T>(~static_cast<std::uint64_t>(arg<T>(a, 0)));
}
template <class T, char Op>
Value shift(Arguments a) {
    const auto x = static_cast<std::uint64_t>(arg<T>(a, 0));
    const auto by = arg<std::int64_t>(a, 1);
    if (by < 0) return Value::failure("a shift by a negative offset: " + std::to_string(by));
    if (by > 63) return T{0};
    return static_cast<T>(Op == '<' ? x << by : x >> by);
}

}  // namespace

void add_math(std::vector<Overload>& table) {
    using I = std::int64_t;
    using U = std::uint64_t;
    constexpr Kind kInteger = Kind::integer, kUnsigned = Kind::unsigned_integer, kNumber = Kind::number;
    const auto add = [&](std::string_view name, std::vector<Kind> parameters, Kind result,
                         Value (*apply)(Arguments)) {
        table.push_back({name, Style::global, std::move(parameters), result, apply});
    };
    add("math.greatest", {Kind::list}, Kind::dyn, extreme_of_list<1>);
    table.push_back({"math.greatest", Style::global, {Kind::dyn}, Kind::dyn, extreme<1>, true});
    add("math.least", {Kind::list}, Kind::dyn, extreme_of_list<-1>);
    table.push_back({"math.least", Style::global, {Kind::dyn}, Kind::dyn, extreme<-1>, true});
    add("math.ceil", {kNumber}, kNumber, real<std::ceil>);
    add("math.floor", {kNumber}, kNumber, real<std::floor>);
    add("math.round", {kNumber}, kNumber, real<std::round>);
    add("math.trunc", {kNumber}, kNumber, real<std::trunc>);
    add("math.abs", {kNumber}, kNumber, real<std::fabs>);
    add("math.abs", {kInteger}, kInteger, absolute);
    add("math.abs", {kUnsigned}, kUnsigned, same);
    add("math.sign", {kNumber}, kNumber, sign<double>);
    add("math.sign", {kInteger}, kInteger, sign<I>);
    add("math.sign", {kUnsigned}, kUnsigned, sign<U>);
    add("math.sqrt", {kNumber}, kNumber, real<std::sqrt>);
    add("math.sqrt", {kInteger}, kNumber, square_root_of_integer);
    add("math.sqrt", {kUnsigned}, kNumber, square_root_of_unsigned);
    add("math.isNaN", {kNumber}, Kind::boolean, is_nan);
    add("math.isInf", {kNumber}, Kind::boolean, is_inf);
    add("math.isFinite", {kNumber}, Kind::boolean, is_finite);
    const auto both = [&](std::string_view name, Value (*of_int)(Arguments), Value (*of_uint)(Arguments)) {
        add(name, {kInteger, kInteger}, kInteger, of_int);
        add(name, {kUnsigned, kUnsigned}, kUnsigned, of_uint);
    };
    both("math.bitAnd", bits<I, '&'>, bits<U, '&'>);
    both("math.bitOr", bits<I, '|'>, bits<U, '|'>);
    both("math.bitXor", bits<I, '^'>, bits<U, '^'>);
    add("math.bitNot", {kInteger}, kInteger, complement<I>);
    add("math.bitNot", {kUnsigned}, kUnsigned, complement<U>);
    add("math.bitShiftLeft", {kInteger, kInteger}, kInteger, shift<I, '<'>);
    add("math.bitShiftLeft", {kUnsigned, kInteger}, kUnsigned, shift<U, '<'>);
    add("math.bitShiftRight", {kInteger, kInteger}, kInteger, shift<I, '>'>);
    add("math.bitShiftRight", {kUnsigned, kInteger}, kUnsigned, shift<U, '>'>);
}

}  // namespace autotune::cel
