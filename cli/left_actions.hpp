// Actions on their way from people to the agent: one file for a function in a folder of the state. Who may write there
// may change functions, as far as the guardrails allow; what was left outlives an agent that does not run.
#pragma once

#include <filesystem>
#include <vector>

#include "core/plan.hpp"
#include "core/result.hpp"

namespace autotune::cli {

struct LeftAction {
    std::filesystem::path file;
    Action action;
};

// Leaves it there, whole or not at all. A later one for the same function takes the place of one that was not begun.
// Errors: the file system's.
[[nodiscard]] Status leave(const std::filesystem::path& folder, const Action& action);

// Those that were left, by function. What cannot be read is none.
[[nodiscard]] std::vector<LeftAction> actions_in(const std::filesystem::path& folder);

// It was begun or refused.
[[nodiscard]] Status forget(const LeftAction& left);

// Regular files of that extension, sorted; none where there is no folder.
[[nodiscard]] std::vector<std::filesystem::path> files_in(const std::filesystem::path& folder, std::string_view extension);

}  // namespace autotune::cli
