// Whether the code of one function can run in the deployment of another, whose configuration stays as it is. Pure.
#pragma once

#include <string>

#include "core/function.hpp"
#include "core/result.hpp"

namespace autotune::cli {

// Reasons are what follows the function's name.

// The version whose code is meant when the function is called by `alias`, or without a name where it has no such alias. Errors:
// unsupported, for people: there are two, or the head is another than what serves, so that it depends on how it is called.
[[nodiscard]] Result<Version> version_to_take(const FunctionState& state, const std::string& alias);

// Why `other` would not do in the deployment of `entry` what it does in its own; "": nothing speaks against it. Runtime, role,
// architecture and network are the search's to compare. Names of variables are told, values never.
[[nodiscard]] std::string misfit(const FunctionState& entry, const FunctionState& other);

}  // namespace autotune::cli
