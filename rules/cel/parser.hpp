// CEL text to syntax tree (cel-spec, langdef.md), by precedence climbing.
//
// Bounded: text longer than kLongestSource, nesting deeper than kDeepestNesting (parentheses, calls,
// signs) and trees deeper than kDeepestTree (long chains of operators) are refused, so no input can
// exhaust the stack. Messages are recognised and refused by name.
#pragma once

#include <optional>
#include <string_view>
#include <variant>

#include "rules/cel/ast.hpp"

namespace autotune::cel {

inline constexpr std::size_t kLongestSource = 64 * 1024;  // bytes
inline constexpr int kDeepestNesting = 250;
inline constexpr std::uint32_t kDeepestTree = 1000;

[[nodiscard]] std::variant<Ast, Issue> parse(std::string_view source);

}  // namespace autotune::cel
