// Changes as JSON texts of one line: what history, explain and plan show with --json.
#pragma once

#include <string>

#include "core/knowledge_store.hpp"

namespace autotune::cli {

// What is not UTF-8 becomes U+FFFD.
[[nodiscard]] std::string evidence_json(const Evidence& evidence);
[[nodiscard]] std::string change_json(const ChangeRecord& change);
[[nodiscard]] std::string refusal_json(const RefusalRecord& refusal);

}  // namespace autotune::cli
