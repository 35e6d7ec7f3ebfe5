// The judge of effects: did a change that is of no version, and so has no canary, help? By counts before and after.
//
// `before` is what led to the change: of so many calls so many were bad (throttled; cold). Its Clopper-Pearson interval [L, U] at
// 1 − α/2 is what the share may have been. Then the calls since are bets (rules/canary/bets.hpp), a bad one x = 1, else 0:
//   helped   against "the share is still at least L": stakes multiply by 1 + λ(L − x), λ < 1/(1 − L)
//   harm     against "the share is at most U":        stakes multiply by 1 + λ(x − U), λ < 1/U
// It is kept at E ≥ 2/α: the interval and the bet share α, so kept without reason is at most α (bets: Ville; the interval:
// Clopper and Pearson, 1934), where calls are exchangeable. They are not where load comes in bursts: a quiet hour has no
// throttled calls whatever the limit, and a steady one no cold starts. So at least one call must have been served that the
// old limit had refused, or by an environment that was not kept before (`beyond`), before anything is kept.
//
// Pure. docs/decisions/0035 and 0038
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "core/invocation.hpp"
#include "core/plan.hpp"
#include "rules/canary/judge.hpp"

namespace autotune::rules {

struct EffectSeen {
    Tally before, after;
    std::uint64_t beyond = 0;   // calls since that were served as they could not have been before
    bool beyond_counts = true;  // false: there was no old limit that could tell
    // For people, of `beyond`; and of none.
    std::string_view served = "were served that the old limit had refused";
    std::string_view none_served = "no call since would have met the old limit";
};

// In the report: canary_* are the calls since, baseline_* those before; failures are the bad ones. log10_e_errors: of
// "helped"; log10_e_harm: of "harm".
[[nodiscard]] JudgeReport judge_effect(const EffectSeen& seen, const CanaryPolicy& policy, Horizon horizon);

// How many began while at least `limit` others were under way; where only some are told, an estimate, in which each
// counts for as many as it stands for, under way as well. The order does not matter.
[[nodiscard]] std::uint64_t began_beyond(std::span<const Invocation> calls, std::uint32_t limit);

}  // namespace autotune::rules
