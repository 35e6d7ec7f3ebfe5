// Reads a cost model: services, what a call of them takes, who calls whom how often. The format:
// docs/cost.md.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "core/cost_model.hpp"
#include "rules/diagnostic.hpp"
#include "rules/yaml/json.hpp"

namespace autotune::rules {

struct LoadedCostModel {
    std::optional<CostModel> model;  // unset when there is an error
    std::vector<Diagnostic> diagnostics;
};

// Every mistake is told, with its place. Which tariffs there are is not known here.
[[nodiscard]] LoadedCostModel load_cost_model(std::string_view text, Syntax syntax);

}  // namespace autotune::rules
