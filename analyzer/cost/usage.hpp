// What one call uses of what a tariff counts.
#pragma once

#include "core/cost_model.hpp"
#include "core/result.hpp"

namespace autotune::analysis {

struct Usage {
    Decimal gb_s;
    Decimal cpu_s;  // vCPU-s or GHz-s
};

// Errors: invalid_argument, for a memory that the tariff does not have or a duration that is not known.
[[nodiscard]] Result<Usage> usage_of(const CostService& service, const CostEndpoint& endpoint,
                                     const Tariff& tariff);

}  // namespace autotune::analysis
