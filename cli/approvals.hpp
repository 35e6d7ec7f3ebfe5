// Approvals, and wishes to roll back, on their way from people to the agent: a file each in a folder of the state, so that
// who may write there may approve, and that an approval outlives an agent that does not run.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/knowledge_store.hpp"
#include "core/result.hpp"

namespace autotune::cli {

struct Approval {
    ChangeId id{};
    std::string who;
};

// Leaves it there, whole or not at all. Errors: the file system's.
[[nodiscard]] Status leave(const std::filesystem::path& folder, const Approval& approval);

// Those that were left, by id. Files of other names are passed over; what cannot be read is none.
[[nodiscard]] std::vector<Approval> approvals_in(const std::filesystem::path& folder);

// It was acted upon. That it is gone already is well.
[[nodiscard]] Status forget(const std::filesystem::path& folder, ChangeId id);

}  // namespace autotune::cli
