// What autotune cost reads: models, tariffs, and changes to a model from the command line.
#pragma once

#include <string>
#include <vector>

#include "core/cost_model.hpp"
#include "core/result.hpp"

namespace autotune::cli {

// Plain or .gz; "-" is standard input. What is wrong with the text is printed on stderr as file:line:column:
// message and is invalid_argument; else what kept the file from being read.
[[nodiscard]] Result<CostModel> read_cost_model(const std::string& path);

// Those of `files`, then those that come with the program, without what has the name of one before. Errors
// say where.
[[nodiscard]] Result<std::vector<Tariff>> known_tariffs(const std::vector<std::string>& files);

// "NAME=VALUE", or for providers "VALUE" alone. Errors: invalid_argument, with the names that there are.
[[nodiscard]] Status change_memory(CostModel& model, const std::string& change);
[[nodiscard]] Status change_duration(CostModel& model, const std::string& change);
[[nodiscard]] Status change_load(CostModel& model, const std::string& change);
[[nodiscard]] Status change_provider(CostModel& model, const std::string& change);

}  // namespace autotune::cli
