// What the rules would do now, of the invocations that an agent put on record; nothing is changed.
#pragma once

#include <filesystem>
#include <string>

#include "cli/plan_text.hpp"
#include "core/result.hpp"
#include "os/owned_folder.hpp"

namespace autotune::cli {

struct PlanRequest {
    std::string rules, alias;  // alias: "": the function's only one, else "live"
    std::filesystem::path state;
    // Gets what is to be deployed: made among temporary files when something is. Null: it is gone with the plan.
    OwnedFolder* packages = nullptr;
};

// The platform, found by the environment, is asked how functions are and what each change would send. What cannot be
// found out of a function's labels is told on stderr, and so is what is wrong with the rules: that error has no message
// (invalid_argument). Errors: invalid_argument, else the store's or the platform's.
[[nodiscard]] Result<PlanReport> make_plan(const PlanRequest& request);

}  // namespace autotune::cli
