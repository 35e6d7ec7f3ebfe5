#include "rules/cel/standard.hpp"

#include <algorithm>

namespace autotune::cel {

namespace {

auto key(const Overload& o) { return std::pair(o.style, o.function); }

std::vector<Overload> make_table() {
    std::vector<Overload> table;
    add_arithmetic(table);
    add_comparison(table);
    add_strings(table);
    add_string_extension(table);
    add_conversions(table);
    add_times(table);
    add_math(table);
    add_encoders(table);
    std::stable_sort(table.begin(), table.end(),
                     [](const Overload& a, const Overload& b) { return key(a) < key(b); });
    return table;
}

}  // namespace

Value too_large() { return Value::failure("the result is too large"); }

std::span<const Overload> standard_library() {
    static const std::vector<Overload> table = make_table();
    return table;
}

std::span<const Overload> find_overloads(std::string_view function, Style style) {
    const auto all = standard_library();
    const auto wanted = std::pair(style, function);
    const auto first =
        std::partition_point(all.begin(), all.end(), [&](const Overload& o) { return key(o) < wanted; });
    const auto last = std::find_if(first, all.end(), [&](const Overload& o) { return key(o) != wanted; });
    return {first, last};
}

std::vector<std::string_view> function_names(Style style) {
    std::vector<std::string_view> names;
    for (const Overload& o : standard_library())
        if (o.style == style && o.function.find_first_of("_@") == std::string_view::npos &&
            (names.empty() || names.back() != o.function))
            names.push_back(o.function);
    return names;
}

}  // namespace autotune::cel
