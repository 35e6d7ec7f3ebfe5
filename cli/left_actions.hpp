// Actions on their way from people to the agent: a file each in a folder of the state. Who may write there may change
// functions, as far as the guardrails allow; what was left outlives an agent that does not run.
//
// A file is never written again, so that what is left while the one before it is begun is not lost: files are called
// FUNCTION@TIME.json, and of a function the latest counts.
#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

#include "core/plan.hpp"
#include "core/result.hpp"

namespace autotune::cli {

struct LeftAction {
    std::filesystem::path file;
    Action action;
};

// Leaves it there, whole or not at all, under a request of its own where it has none. It takes the place of one for the
// same function that was not begun. Errors: the file system's.
[[nodiscard]] Status leave(const std::filesystem::path& folder, Action action);

// The latest of each function, by function. What cannot be read is none.
[[nodiscard]] std::vector<LeftAction> actions_in(const std::filesystem::path& folder);

// It was begun or refused. A later one stays.
[[nodiscard]] Status forget(const LeftAction& left);

// Regular files of that extension, sorted; none where there is no folder.
[[nodiscard]] std::vector<std::filesystem::path> files_in(const std::filesystem::path& folder, std::string_view extension);

}  // namespace autotune::cli
