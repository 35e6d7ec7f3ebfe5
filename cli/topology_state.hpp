// autotune topology --state: who calls whom as the running agent last wrote it down.
#pragma once

#include <filesystem>
#include <string>

#include "core/owner_graph.hpp"
#include "core/result.hpp"

namespace autotune::cli {

// The edges that the agent keeps in its state folder, without single calls. Errors: not_found: no agent wrote any
// there yet; permission_denied; corrupt; resource_exhausted:
// larger than what agents write. Messages name the file.
[[nodiscard]] Result<OwnerGraph> edges_on_record(const std::filesystem::path& state);

// The agent's page of the same, with the paths of its newest and slowest requests. Errors: as above.
[[nodiscard]] Result<std::string> page_on_record(const std::filesystem::path& state);

}  // namespace autotune::cli
