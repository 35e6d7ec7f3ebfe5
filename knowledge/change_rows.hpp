// Rows of table `changes`. For this room only.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/knowledge_store.hpp"
#include "core/result.hpp"
#include "knowledge/sqlite.hpp"

namespace autotune {

[[nodiscard]] Disposition disposition_from(std::string_view name);  // in_progress when not known

// Errors of both: the database's. conflict: the token was used before.
Result<ChangeId> insert_change(sqlite::Database& database, const ChangeRecord& record);
// not_found: no change has that id.
Status update_change(sqlite::Database& database, const ChangeRecord& record);

// `where` is SQL after the table's name: "WHERE step <> 'closed' ORDER BY id". Errors: corrupt.
Result<std::vector<ChangeRecord>> select_changes(sqlite::Database& database, std::string_view where);

}  // namespace autotune
