// Why a change was made, and what came of it, for people and machines.
#pragma once

#include <string>
#include <vector>

#include "core/knowledge_store.hpp"
#include "knowledge/sqlite_store.hpp"

namespace autotune::cli {

struct Explanation {
    ChangeRecord change;
    std::vector<AuditRecord> steps;        // of it, oldest first
    std::vector<ChangeRecord> not_chosen;  // refused for the same function at about that time, newest first
    std::vector<RefusalRecord> refused;    // what rules were refused for it at about that time, newest first
};

// Ends with a line break.
[[nodiscard]] std::string explanation_text(const Explanation& explanation);
[[nodiscard]] std::string explanation_json(const Explanation& explanation);

}  // namespace autotune::cli
