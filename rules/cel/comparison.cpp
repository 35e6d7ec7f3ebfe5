// == != < <= > >= in and !. Order is defined within a kind, and between the kinds of numbers.
#include <algorithm>
#include <functional>

#include "rules/cel/standard.hpp"

namespace autotune::cel {

namespace {

Value equals(Arguments a) { return equal(a[0], a[1]); }
Value differs(Arguments a) { return !equal(a[0], a[1]); }
Value less(Arguments a) { return *compare(a[0], a[1]) < 0; }
Value less_equal(Arguments a) { return *compare(a[0], a[1]) <= 0; }
Value greater(Arguments a) { return *compare(a[0], a[1]) > 0; }
Value greater_equal(Arguments a) { return *compare(a[0], a[1]) >= 0; }

template <class Order, class T>
bool ordered_as(const Value& a, const Value& b) {
    return Order()(*a.get<T>(), *b.get<T>());
}

// The test of two scalars that are both T; null: such an operator is no order.
template <class T>
Overload::Test test_of(std::string_view name) {
    if (name == "_<_") return ordered_as<std::less<>, T>;
    if (name == "_<=_") return ordered_as<std::less_equal<>, T>;
    if (name == "_>_") return ordered_as<std::greater<>, T>;
    return name == "_>=_" ? ordered_as<std::greater_equal<>, T> : nullptr;
}

Value contained(Arguments a) {
    const std::vector<Value>& list = *a[1].elements();
    return std::any_of(list.begin(), list.end(), [&](const Value& element) { return equal(a[0], element); });
}

Value key_of(Arguments a) { return a[1].map()->find(a[0]) != nullptr; }

Value negate(Arguments a) { return !*a[0].get<bool>(); }

}  // namespace

void add_comparison(std::vector<Overload>& table) {
    constexpr auto kGlobal = Style::global;
    const auto test = [&](std::string_view name, Kind left, Kind right, Value (*apply)(Arguments)) {
        Overload& made = table.emplace_back(Overload{name, kGlobal, {left, right}, Kind::boolean, apply});
        if (left != right) return;
        if (left == Kind::integer) made.test = test_of<std::int64_t>(name);
        if (left == Kind::number) made.test = test_of<double>(name);
        if (left == Kind::duration) made.test = test_of<Nanos>(name);
    };
    const auto ordered = [&](Kind left, Kind right) {
        test("_<_", left, right, less);
        test("_<=_", left, right, less_equal);
        test("_>_", left, right, greater);
        test("_>=_", left, right, greater_equal);
    };
    test("_==_", Kind::dyn, Kind::dyn, equals);
    test("_!=_", Kind::dyn, Kind::dyn, differs);
    test("@in", Kind::dyn, Kind::list, contained);
    test("@in", Kind::dyn, Kind::map, key_of);
    for (const Kind kind : {Kind::boolean, Kind::text, Kind::bytes, Kind::duration, Kind::timestamp})
        ordered(kind, kind);
    for (const Kind left : {Kind::integer, Kind::unsigned_integer, Kind::number})
        for (const Kind right : {Kind::integer, Kind::unsigned_integer, Kind::number}) ordered(left, right);
    table.push_back({"!_", kGlobal, {Kind::boolean}, Kind::boolean, negate});
}

}  // namespace autotune::cel
