// autotune topology by owners: watches who calls whom, until it is told to stop, and draws it.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/owner_graph.hpp"
#include "core/result.hpp"
#include "core/time.hpp"

namespace autotune::cli {

struct OwnerRequest {
    std::vector<int> pids;             // these and all they start
    std::vector<std::string> command;  // or a program to start; neither: every process of this machine
    std::filesystem::path recording;   // --from: instead of any of these
    std::optional<Nanos> duration;     // at most; else until Ctrl-C, or the target's end
    JoinResolver resolver;             // for ambiguous joins; may be empty
};

struct OwnerOutcome {
    OwnerGraph graph;
    std::vector<std::string> remarks;  // what could not be seen, for people
    int status = 0;                    // of the command, where there was one
};

// Errors: not_found, permission_denied: no such command or recording, or it cannot be executed or watched; corrupt: a
// damaged recording; unsupported: with what is missing.
[[nodiscard]] Result<OwnerOutcome> watch_owners(const OwnerRequest& request);

}  // namespace autotune::cli
