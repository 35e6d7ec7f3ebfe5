// Deployments on their way from people to the agent: left actions (cli/left_actions.hpp) with the new code beside them.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "cli/left_actions.hpp"
#include "core/plan.hpp"
#include "core/result.hpp"

namespace autotune::cli {

// Leaves package and action there; `action`, a Deploy, gets the package's path and hash. Errors: the file system's.
[[nodiscard]] Status leave(const std::filesystem::path& folder, Action action, std::string_view zip);

// Those that were left, by function, their packages whole. What cannot be read is none.
[[nodiscard]] std::vector<LeftAction> deployments_in(const std::filesystem::path& folder);

// Removes packages that no action and none of `needed` names; never one that is being left.
void sweep_packages(const std::filesystem::path& folder, const std::vector<std::string>& needed);

// Removes what rules made (cli/regrouping.hpp) an hour ago or longer, and none of `needed` names: a rule may still be asking
// about what is younger.
void sweep_groups(const std::filesystem::path& folder, const std::vector<std::string>& needed);

}  // namespace autotune::cli
