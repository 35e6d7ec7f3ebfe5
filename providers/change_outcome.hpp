// What came of a change, for people, and the change that takes it back. Pure. For this room only.
#pragma once

#include <string>

#include "core/knowledge_store.hpp"
#include "core/plan.hpp"

namespace autotune {

// `undo` is there for a change that was promoted, where it is known.
[[nodiscard]] Outcome outcome_of(const ChangeRecord& record);
// The change that takes a promoted one back, not yet opened. `by`: "rolled back by …".
[[nodiscard]] ChangeRecord undo_record(ChangeRecord record, const std::string& by);

}  // namespace autotune
