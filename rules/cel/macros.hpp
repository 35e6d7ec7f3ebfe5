// Calls that are no calls: has(), all(), exists(), … become nodes of their own.
#pragma once

#include <optional>
#include <variant>

#include "rules/cel/ast.hpp"

namespace autotune::cel {

// The node that `call` stands for if it is a macro (name and number of arguments); monostate if it is
// an ordinary call, an issue if its arguments are not what the macro takes. `call` is of What::call or
// What::member_call.
[[nodiscard]] std::variant<std::monostate, Node, Issue> expand_macro(const Ast& ast, const Node& call);

}  // namespace autotune::cel
