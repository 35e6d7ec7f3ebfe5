// An objective of sizing as people write it. Pure.
#pragma once

#include <optional>
#include <string_view>

#include "rules/sizing/tuner.hpp"

namespace autotune::cli {

// cost; balanced:W, W of 0 to 1; fastest-within:PERCENT; p95<=300ms (p50, p90, p95, p99; ms or s). Nothing for any other text.
[[nodiscard]] std::optional<rules::sizing::Objective> objective_of(std::string_view text);

}  // namespace autotune::cli
