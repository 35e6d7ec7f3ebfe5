// What of a function's surroundings, other than its variables, its code is used to: to compare two functions. Pure.
#pragma once

#include <string>

#include "core/function.hpp"

namespace autotune {

// The first that differs, for people: "ephemeral storage", "file systems", "security groups", "subnets";
// "configuration" where that cannot be told; "": nothing. Order says nothing, and what a platform does not tell is as
// Lambda has it by itself.
[[nodiscard]] std::string other_surroundings(const Build& a, const Build& b);

}  // namespace autotune
