// A map-reduce remedy as a state machine for AWS Step Functions: for lists that are too long for one invocation to hold, or
// functions that are not to be wrapped.
#pragma once

#include <optional>
#include <string>

#include "core/plan.hpp"

namespace autotune::cli {

// Amazon States Language, JSON: one Map state over the list, in batches, each a call of the function with the list at its
// place in the input. What else of the input parts need, and how answers other than lists are put together, is said in its
// comment. nullopt for all other changes.
[[nodiscard]] std::optional<std::string> map_state_machine(const Change& change, const FunctionRef& function);

}  // namespace autotune::cli
