// Profiles of functions, invocation by invocation: what is sampled while one is open is its (analyzer/assembler.hpp).
#pragma once

#include "cli/profile_live.hpp"
#include "cli/profile_subject.hpp"
#include "cli/python_allocations.hpp"
#include "core/result.hpp"

namespace autotune::cli {

// As profile_live(), of target.function. The newest two million samples of a function are kept; the others are in
// `lost`. `allocations`: of target.python_memory, else null; executors are brought the library when they are first heard of.
// Errors: also not_found, when no invocation matches; unsupported when no executor tells allocations.
[[nodiscard]] Result<LiveProfile> profile_functions(const ProfileTarget& target, ProfileSubject& subject,
                                                    PythonAllocations* allocations, bool& command_refused);

}  // namespace autotune::cli
