// What an application costs: CostHat's model over a CostModel and tariffs.
//
// Load goes along calls in topological order, n(callee) += n(caller) · n·p. A function's endpoint costs
// n · (c_api + c_compute + c_io) + c_other if n > 0; an instance service ceil(Σ share · n) · c_instance +
// Σ n · (c_api + c_io) + c_other. Where tiers or a free amount make a unit's price depend on all that is
// used, each endpoint bears its part in proportion to its use. Pure.
#pragma once

#include <vector>

#include "core/bill.hpp"
#include "core/cost_model.hpp"
#include "core/result.hpp"

namespace autotune::analysis {

// Calls of each endpoint a period. Errors: invalid_argument, with a cycle of calls by name;
// resource_exhausted for numbers beyond what is counted with.
[[nodiscard]] Result<std::vector<Decimal>> calls_of(const CostModel& model);

// `tariffs`: all that services name, in any order. Errors: those of calls_of; not_found for a tariff or
// gateway; invalid_argument for a memory that a tariff does not have.
[[nodiscard]] Result<Bill> bill_of(const CostModel& model, const std::vector<Tariff>& tariffs);

}  // namespace autotune::analysis
