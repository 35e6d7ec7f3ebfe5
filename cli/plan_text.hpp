// A plan as people and machines read it.
#pragma once

#include <string>
#include <vector>

#include "core/plan.hpp"

namespace autotune::cli {

inline constexpr std::size_t kLatestTold = 10'000;  // notifications that cooldowns are reckoned from

struct PlannedAction {
    Action action;
    std::string requests;    // that would be sent, one a line
    std::string impossible;  // why it would be refused; "" when it would not
};

struct PlanReport {
    std::string rules_file;
    WallTime at;
    std::vector<PlannedAction> actions;
    std::vector<Refusal> refused;
};

// Ends with a line break.
[[nodiscard]] std::string plan_text(const PlanReport& report);
[[nodiscard]] std::string plan_json(const PlanReport& report);

}  // namespace autotune::cli
