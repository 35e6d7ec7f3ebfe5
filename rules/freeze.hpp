// Which functions may not be changed now, because a rule that freezes is active. Pure.
#pragma once

#include <map>
#include <span>
#include <string>

#include "rules/engine.hpp"
#include "rules/rule_set.hpp"

namespace autotune::rules {

// Function → why. A rule named in freeze_when freezes the function it is active on; one with effect
// freeze-dependents also those that call that function or share the dependency that is in trouble.
[[nodiscard]] std::map<FunctionRef, std::string> frozen_functions(const RuleSet& rules,
                                                                  const EngineState& state,
                                                                  std::span<const WindowFacts> facts);

}  // namespace autotune::rules
