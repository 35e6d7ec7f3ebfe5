// What slow invocations of a function do that usual ones do not.
#pragma once

#include "analyzer/analyzer.hpp"
#include "analyzer/history.hpp"
#include "core/profile.hpp"
#include "core/tables.hpp"

namespace autotune::analysis {

// ProfilePart::slow_against_median. The title tells how many invocations each side is, and how long they
// took. Samples that the ring no longer holds are missing on both sides alike.
[[nodiscard]] Profile slow_against_median(const FunctionBook& book, const ProfileQuery& query,
                                          const Tables& tables);

}  // namespace autotune::analysis
