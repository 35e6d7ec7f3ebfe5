// A CostModel as the YAML that `autotune cost --model` reads. Pure; same model, same bytes.
#pragma once

#include <string>
#include <vector>

#include "core/cost_model.hpp"

namespace autotune::render {

// REQUIRES: each service has one endpoint of its name, as measured models have. `remarks` become comments.
[[nodiscard]] std::string cost_model_yaml(const CostModel& model, Decimal period_hours, const std::vector<std::string>& remarks);

}  // namespace autotune::render
