// Deployments on their way from people to the agent: new code for a function, and how it is to be proved; two files each
// in a folder of the state. Who may write there may deploy.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/plan.hpp"
#include "core/result.hpp"

namespace autotune::cli {

struct Deployment {
    std::filesystem::path file;  // of the request
    Action action;               // a Deploy
};

// Leaves package and request there, the package first; `action` gets the package's path and hash, and a request of its own. A later one for the
// same function takes the place of one that was not begun. Errors: the file system's.
[[nodiscard]] Status leave(const std::filesystem::path& folder, Action action, std::string_view zip);

// Those that were left, by function. What cannot be read is none.
[[nodiscard]] std::vector<Deployment> deployments_in(const std::filesystem::path& folder);

// It was begun or refused. Its package stays, for the change.
[[nodiscard]] Status forget(const Deployment& deployment);
// Removes packages that no request and none of `needed` names.
void sweep_packages(const std::filesystem::path& folder, const std::vector<std::string>& needed);

}  // namespace autotune::cli
