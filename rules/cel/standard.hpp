// The operators and functions of this version's CEL, as one table that the checker and the evaluator
// share. A new function is one line in one of the tables.
//
// `&&`, `||` and `?:` are not here: they do not need all their operands, the evaluator knows them.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "rules/cel/type.hpp"
#include "rules/cel/value.hpp"

namespace autotune::cel {

using Arguments = std::span<const Value>;

struct Overload {
    std::string_view function;  // "_+_", "size"
    enum class Style : std::uint8_t { global, member } style = Style::global;
    std::vector<Kind> parameters;  // a member's receiver first; dyn: any
    Kind result = Kind::dyn;
    Value (*apply)(Arguments) = nullptr;  // gets usable values of the kinds above
};

// Overloads of one function next to each other.
[[nodiscard]] std::span<const Overload> standard_library();
[[nodiscard]] std::span<const Overload> find_overloads(std::string_view function, Overload::Style style);
// Names to suggest for a function that is not known.
[[nodiscard]] std::vector<std::string_view> function_names(Overload::Style style);

// Its parts, one file each.
void add_arithmetic(std::vector<Overload>& table);
void add_comparison(std::vector<Overload>& table);
void add_strings(std::vector<Overload>& table);
void add_conversions(std::vector<Overload>& table);

// Why `pattern` is no regular expression (RE2 syntax); "" when it is one.
[[nodiscard]] std::string pattern_error(const std::string& pattern);

}  // namespace autotune::cel
