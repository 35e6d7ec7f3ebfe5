// Rows of table `refusals`. For this room only.
#pragma once

#include <span>
#include <vector>

#include "core/knowledge_store.hpp"
#include "knowledge/sqlite.hpp"

namespace autotune {

// Errors of all: the database's. One that was met longer than a moment is on record already, and is only extended.
Status write_refusals(sqlite::Database& database, std::span<const RefusalRecord> refusals);
// Newest first.
Result<std::vector<RefusalRecord>> select_refusals(sqlite::Database& database, const RefusalQuery& query);
Status delete_refusals(sqlite::Database& database, WallTime before);

}  // namespace autotune
