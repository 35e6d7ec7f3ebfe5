// autotune cost --state: the cost model of what the running agent wrote down.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/measured_cost.hpp"
#include "core/result.hpp"
#include "core/time.hpp"

namespace autotune::cli {

// Of the invocations in the store of `state` and the edges beside it. `window`: the newest so much of what is on record;
// nullopt: the time of the edges, else all. Errors: not_found: no store or no invocations there; corrupt; permission_denied.
// Messages name the file.
[[nodiscard]] Result<MeasuredCost> measured_cost(const std::filesystem::path& state, std::optional<Nanos> window,
                                                 const std::vector<Tariff>& tariffs);

}  // namespace autotune::cli
