// The audit trail: append-only, each record's hash covers the record before. For this room only.
#pragma once

#include <optional>
#include <vector>

#include "core/knowledge_store.hpp"
#include "core/result.hpp"
#include "knowledge/sqlite.hpp"
#include "knowledge/sqlite_store.hpp"

namespace autotune::audit {

// REQUIRES of append and verify: inside a transaction.
// Errors of all: the database's.
Status append(sqlite::Database& database, const ChangeRecord& record);
Result<std::vector<AuditRecord>> read(sqlite::Database& database, std::optional<ChangeId> change);
Result<std::int64_t> verify(sqlite::Database& database);

}  // namespace autotune::audit
