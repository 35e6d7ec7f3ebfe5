// Profiles of functions, invocation by invocation: what is sampled while one is open is its (analyzer/assembler.hpp).
#pragma once

#include "cli/profile_live.hpp"
#include "cli/profile_subject.hpp"
#include "core/result.hpp"

namespace autotune::cli {

// As profile_live(), of target.function. The newest two million samples of a function are kept; the others are in
// `lost`. Errors: also not_found, when no invocation matches.
[[nodiscard]] Result<LiveProfile> profile_functions(const ProfileTarget& target, ProfileSubject& subject,
                                                    bool& command_refused);

}  // namespace autotune::cli
