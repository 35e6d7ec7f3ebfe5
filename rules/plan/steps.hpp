// From a rule's plan to one proposed change: the first resize or remedy, as written, that is feasible, since a
// fix is of more use than a word; else one notification.
//
// Steps that this version does not carry out, and notify, are put together in one notification: so
// nothing that the rule asks for is dropped in silence. Pure.
#pragma once

#include <optional>
#include <string>

#include "core/facts.hpp"
#include "core/function.hpp"
#include "core/plan.hpp"
#include "core/result.hpp"
#include "rules/plan/regrouper.hpp"
#include "rules/plan/resize.hpp"
#include "rules/rule_set.hpp"

namespace autotune::rules {

struct StepTask {
    const Rule& rule;
    const Guardrails& guardrails;
    const FunctionFacts& facts;
    const SloValues& slo;
    const Capabilities* platform = nullptr;  // null: nothing is known of it
    Attempts attempts;
    const Regrouper* regrouper = nullptr;    // null: nobody here knows calls and code
    Tariffs tariffs = {};                    // that are known, for the platform's
};

struct Proposal {
    Change change;
    std::string because;    // may be empty
    std::string predicted;  // may be empty
    std::string not_done;   // why earlier steps were passed over; "" when none was
};

// Errors: unsupported when no step is feasible, and the message says why not; unavailable while one that comes before all
// others that could be done is still being worked out.
[[nodiscard]] Result<Proposal> propose(const StepTask& task);

}  // namespace autotune::rules
