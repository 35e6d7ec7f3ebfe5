// The life of one rule on one function: pending, active, clearing. Pure.
#pragma once

#include "rules/condition.hpp"
#include "rules/engine.hpp"
#include "rules/rule_set.hpp"

namespace autotune::rules {

// Moves `state` on by one evaluation at `now`. `cleared`: the clear condition; without one of its own
// a rule clears when `when` is known to be false.
void advance(RuleState& state, const Rule& rule, Truth when, Truth cleared, WallTime now);

// Why an active rule may not act now: cooldown, or the day's actions are used up; "" when it may.
[[nodiscard]] std::string resting(const RuleState& state, const Rule& rule, const FunctionRef& function,
                                  const History& history, WallTime now);

// What this rule tried on this function within kBumpMemory before `now`.
struct Attempts;
[[nodiscard]] Attempts attempts_of(const Rule& rule, const FunctionRef& function, const History& history,
                                   WallTime now);

}  // namespace autotune::rules
