// autotune topology --workflow: what an orchestrator's definition calls, in which order.
#pragma once

#include <string>
#include <vector>

#include "core/result.hpp"
#include "core/workflow.hpp"

namespace autotune::cli {

// Of a file, plain or .gz; "-" is standard input. `given`: "CHOICE>NEXT=PROBABILITY", "MAP=ITEMS". What is
// wrong with the text is printed on stderr as file:line:column: message and is invalid_argument.
[[nodiscard]] Result<std::vector<Workflow>> read_workflows(const std::string& path,
                                                           const std::vector<std::string>& given);

}  // namespace autotune::cli
