// Allocations of CPython: by probes within the processes, which add up by themselves.
#pragma once

#include "cli/profile_live.hpp"
#include "core/result.hpp"

namespace autotune::cli {

// As profile_live(), of target.python_memory. No privilege is needed for a command; processes must be the user's own, or
// the user root. Errors also: unsupported when no CPython could be reached, with the reason.
[[nodiscard]] Result<LiveProfile> profile_allocations(const ProfileTarget& target, bool& command_refused);

}  // namespace autotune::cli
