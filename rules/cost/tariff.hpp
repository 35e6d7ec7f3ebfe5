// Reads a tariff: what a provider asks, since when, and who says so. The format: docs/cost.md.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "core/cost_model.hpp"
#include "rules/diagnostic.hpp"

namespace autotune::rules {

struct LoadedTariff {
    std::optional<Tariff> tariff;  // unset when there is an error
    std::vector<Diagnostic> diagnostics;
};

[[nodiscard]] LoadedTariff load_tariff(std::string_view yaml);

}  // namespace autotune::rules
