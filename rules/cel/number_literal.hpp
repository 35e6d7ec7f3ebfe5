// Numbers of CEL: 1, 0xFF, 1u, 1.5e3.
#pragma once

#include <string>
#include <variant>

#include "rules/cel/lexer.hpp"

namespace autotune::cel {

// The int, uint or double that a token of a number stands for with `sign` ("" or "-") before it; or why there
// is none.
[[nodiscard]] std::variant<Value, std::string> read_number(const Token& token, std::string_view sign);

}  // namespace autotune::cel
