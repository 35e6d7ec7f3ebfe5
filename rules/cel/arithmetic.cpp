// + - * / % and negation. Integers never wrap: leaving the range is an error, as the language says.
#include <cmath>
#include <limits>

#include "rules/cel/standard.hpp"

namespace autotune::cel {

namespace {

Value overflow() { return Value::failure("integer overflow"); }

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

Value concatenate(Arguments a) {
    if (arg<std::string>(a, 0).size() + arg<std::string>(a, 1).size() > kLongestText) return too_large();
    return arg<std::string>(a, 0) + arg<std::string>(a, 1);
}
Value concatenate_bytes(Arguments a) {
    if (arg<Bytes>(a, 0).data.size() + arg<Bytes>(a, 1).data.size() > kLongestText) return too_large();
    return Bytes{arg<Bytes>(a, 0).data + arg<Bytes>(a, 1).data};
}
Value concatenate_lists(Arguments a) {
    const std::vector<Value>&x = *a[0].elements(), &y = *a[1].elements();
    if (x.size() + y.size() > kLongestList) return too_large();
    std::vector<Value> out = x;
    out.insert(out.end(), y.begin(), y.end());
    return Value::list(std::move(out));
}

// A position may be of any number's type as long as it is whole.
Value index(Arguments a) {
    const std::vector<Value>& list = *a[0].elements();
    std::uint64_t position = list.size();
    if (const auto* i = a[1].get<std::int64_t>(); i && *i >= 0) position = static_cast<std::uint64_t>(*i);
    if (const auto* u = a[1].get<std::uint64_t>()) position = *u;
    if (const auto* d = a[1].get<double>(); d && *d >= 0 && *d < 0x1p53 && std::trunc(*d) == *d)
        position = static_cast<std::uint64_t>(*d);
    if (position < list.size()) return list[position];
    return Value::failure("index " + to_string(a[1]) + " is outside a list of " +
                          std::to_string(list.size()));
}

Value look_up(Arguments a) {
    const Value* found = a[0].map()->find(a[1]);
    return found ? *found : Value::failure("no such key: " + to_string(a[1]));
}

}  // namespace

void add_arithmetic(std::vector<Overload>& table) {
    using I = std::int64_t;
    using U = std::uint64_t;
    constexpr auto kGlobal = Style::global;
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
    table.push_back({"_[_]", kGlobal, {Kind::map, Kind::dyn}, Kind::dyn, look_up});
}

}  // namespace autotune::cel
