// Which alias of a function is steered.
#pragma once

#include <string>

#include "core/function.hpp"

namespace autotune {

// `wanted`, or where that is "" the only one, else "live". nullptr when there is none.
[[nodiscard]] const Routing* choose_alias(const FunctionState& state, const std::string& wanted);

}  // namespace autotune
