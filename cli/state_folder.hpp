// Where the agent keeps what it must not forget.
#pragma once

#include <filesystem>
#include <string>

#include "core/result.hpp"

namespace autotune::cli {

// /var/lib/autotune for root, else $XDG_STATE_HOME/autotune or ~/.local/state/autotune.
[[nodiscard]] std::filesystem::path default_state_folder();

// The name of the agent of that folder, which leases bear: the machine's and a random part, the same at every start. Made
// at the first time. REQUIRES: whoever calls holds the store's lock. Errors: the folder's.
[[nodiscard]] Result<std::string> agent_name(const std::filesystem::path& state);

// Files inside of it.
[[nodiscard]] inline std::filesystem::path store_file(const std::filesystem::path& state) {
    return state / "knowledge.sqlite";
}
[[nodiscard]] inline std::filesystem::path approvals_folder(const std::filesystem::path& state) {
    return state / "approvals";
}
[[nodiscard]] inline std::filesystem::path deployments_folder(const std::filesystem::path& state) {
    return state / "deployments";
}
[[nodiscard]] inline std::filesystem::path rollbacks_folder(const std::filesystem::path& state) {
    return state / "rollbacks";
}
[[nodiscard]] inline std::filesystem::path applications_folder(const std::filesystem::path& state) {
    return state / "applications";
}
[[nodiscard]] inline std::filesystem::path groups_folder(const std::filesystem::path& state) {
    return state / "groups";
}
[[nodiscard]] inline std::filesystem::path flame_folder(const std::filesystem::path& state) {
    return state / "flames";
}

}  // namespace autotune::cli
