// == != < <= > >= in and !. Order is defined within a kind, and between the kinds of numbers.
#include <algorithm>

#include "rules/cel/standard.hpp"

namespace autotune::cel {

namespace {

Value equals(Arguments a) { return equal(a[0], a[1]); }
Value differs(Arguments a) { return !equal(a[0], a[1]); }
Value less(Arguments a) { return *compare(a[0], a[1]) < 0; }
Value less_equal(Arguments a) { return *compare(a[0], a[1]) <= 0; }
Value greater(Arguments a) { return *compare(a[0], a[1]) > 0; }
Value greater_equal(Arguments a) { return *compare(a[0], a[1]) >= 0; }

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
        table.push_back({name, kGlobal, {left, right}, Kind::boolean, apply});
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
