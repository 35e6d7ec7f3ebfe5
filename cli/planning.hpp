// What the rules would do now, without an agent: the engine over the facts of invocations that are on record.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "core/function.hpp"
#include "core/invocation.hpp"
#include "core/knowledge_store.hpp"
#include "core/observations.hpp"
#include "core/plan.hpp"
#include "rules/plan/regrouper.hpp"
#include "rules/rule_set.hpp"

namespace autotune::cli {

// Views: valid during the call.
struct Recorded {
    std::span<const Invocation> invocations;  // of recorded_since() and later, in any order
    std::span<const ChangeRecord> changes;    // of the journal
    const std::map<FunctionRef, std::map<std::string, std::string>>& labels;  // of functions that have any
    const std::map<std::string, Capabilities>& platforms;                     // by FunctionRef::provider
    const Observations* observed = nullptr;   // what the platform still knows of calls; null: it tells nothing
    rules::Regrouper regrouper = {};          // asked about now only; null: nothing is fused or split
};

// How far back the rules look from `now`: the longest window, and the longest `for` before it.
[[nodiscard]] WallTime recorded_since(const rules::RuleSet& rules, WallTime now);

// The Plan of an agent that had watched all along and did nothing but what the journal says. Time runs on the
// wall clock here, since records may be of several boots: the evidence's timestamps are since 1970. What only
// an agent has (stack samples) is missing from the evidence. Dry runs of the journal do not count: nothing
// came of them. Pure.
[[nodiscard]] Plan plan_from(const rules::RuleSet& rules, const Recorded& recorded, WallTime now);

}  // namespace autotune::cli
