// + - * / % and negation. Integers never wrap: leaving the range is an error, as the language says.
#include <cmath>
#include <limits>

#include "rules/cel/standard.hpp"

namespace autotune::cel {

namespace {

Value overflow() { return Value::failure("integer overflow"); }

template <class T>
const T& arg(Arguments a, std::size_t i) {
    return *a[i].get<T>();
}

template <class T>
Value add(Arguments a) {
    T out{};
    return __builtin_add_overflow(arg<T>(a, 0), arg<T>(a, 1), &out) ? overflow() : Value(out);
}
template <class T>
Value subtract(Arguments a) {
    T out{};
    return __builtin_sub_overflow(arg<T>(a, 0), arg<T>(a, 1), &out) ? overflow() : Value(out);
}
template <class T>
Value multiply(Arguments a) {
    T out{};
    return __builtin_mul_overflow(arg<T>(a, 0), arg<T>(a, 1), &out) ? overflow() : Value(out);
}
// The one quotient of two signed numbers that does not fit.
template <class T>
bool quotient_overflows(T a, T b) {
    if constexpr (std::numeric_limits<T>::is_signed) return a == std::numeric_limits<T>::min() && b == -1;
    return false;
}
template <class T>
Value divide(Arguments a) {
    if (arg<T>(a, 1) == 0) return Value::failure("division by zero");
    if (quotient_overflows(arg<T>(a, 0), arg<T>(a, 1))) return overflow();
    return static_cast<T>(arg<T>(a, 0) / arg<T>(a, 1));
}
template <class T>
Value remainder_of(Arguments a) {
    if (arg<T>(a, 1) == 0) return Value::failure("modulus by zero");
    if (quotient_overflows(arg<T>(a, 0), arg<T>(a, 1))) return overflow();
    return static_cast<T>(arg<T>(a, 0) % arg<T>(a, 1));
}

Value negate_integer(Arguments a) {
    std::int64_t out = 0;
    return __builtin_sub_overflow(std::int64_t{0}, arg<std::int64_t>(a, 0), &out) ? overflow() : Value(out);
}

template <char Op>
Value real(Arguments a) {
    const double x = arg<double>(a, 0), y = arg<double>(a, 1);
    if constexpr (Op == '+') return x + y;
    if constexpr (Op == '-') return x - y;
    if constexpr (Op == '*') return x * y;
    if constexpr (Op == '/') return x / y;  // IEEE 754: no error, infinity or NaN
}
Value negate_real(Arguments a) { return -arg<double>(a, 0); }

template <char Op>
Value durations(Arguments a) {
    const std::int64_t x = arg<Nanos>(a, 0).count(), y = arg<Nanos>(a, 1).count();
    std::int64_t out = 0;
    const bool over = Op == '+' ? __builtin_add_overflow(x, y, &out) : __builtin_sub_overflow(x, y, &out);
    return over ? Value::failure("duration out of range") : Value(Nanos(out));
}

Value concatenate(Arguments a) { return arg<std::string>(a, 0) + arg<std::string>(a, 1); }
Value concatenate_bytes(Arguments a) { return Bytes{arg<Bytes>(a, 0).data + arg<Bytes>(a, 1).data}; }
Value concatenate_lists(Arguments a) {
    List out = *a[0].elements();
    out.insert(out.end(), a[1].elements()->begin(), a[1].elements()->end());
    return Value::list(std::move(out));
}

Value index(Arguments a) {
    const List& list = *a[0].elements();
    for (std::size_t i = 0; i < list.size(); ++i)
        if (equal(a[1], Value(static_cast<std::int64_t>(i)))) return list[i];
    return Value::failure("index " + to_string(a[1]) + " is outside a list of " +
                          std::to_string(list.size()));
}

}  // namespace

void add_arithmetic(std::vector<Overload>& table) {
    using I = std::int64_t;
    using U = std::uint64_t;
    constexpr auto kGlobal = Overload::Style::global;
    const auto binary = [&](std::string_view name, Kind kind, Value (*apply)(Arguments)) {
        table.push_back({name, kGlobal, {kind, kind}, kind, apply});
    };
    binary("_+_", Kind::integer, add<I>);
    binary("_+_", Kind::unsigned_integer, add<U>);
    binary("_+_", Kind::number, real<'+'>);
    binary("_+_", Kind::duration, durations<'+'>);
    binary("_+_", Kind::text, concatenate);
    binary("_+_", Kind::bytes, concatenate_bytes);
    binary("_+_", Kind::list, concatenate_lists);
    binary("_-_", Kind::integer, subtract<I>);
    binary("_-_", Kind::unsigned_integer, subtract<U>);
    binary("_-_", Kind::number, real<'-'>);
    binary("_-_", Kind::duration, durations<'-'>);
    binary("_*_", Kind::integer, multiply<I>);
    binary("_*_", Kind::unsigned_integer, multiply<U>);
    binary("_*_", Kind::number, real<'*'>);
    binary("_/_", Kind::integer, divide<I>);
    binary("_/_", Kind::unsigned_integer, divide<U>);
    binary("_/_", Kind::number, real<'/'>);
    binary("_%_", Kind::integer, remainder_of<I>);
    binary("_%_", Kind::unsigned_integer, remainder_of<U>);
    table.push_back({"-_", kGlobal, {Kind::integer}, Kind::integer, negate_integer});
    table.push_back({"-_", kGlobal, {Kind::number}, Kind::number, negate_real});
    for (const Kind position : {Kind::integer, Kind::unsigned_integer, Kind::number})
        table.push_back({"_[_]", kGlobal, {Kind::list, position}, Kind::dyn, index});
}

}  // namespace autotune::cel
