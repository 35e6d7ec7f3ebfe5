// The audit trail: append-only, each record's hash covers the record before. For this room only.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/knowledge_store.hpp"
#include "core/result.hpp"
#include "knowledge/sqlite.hpp"
#include "knowledge/sqlite_store.hpp"

namespace autotune::audit {

// What a record of the trail holds beside the step: the action when a change is opened, whatever its step
// then is; afterwards the judge's report.
enum class Entry : std::uint8_t { opening, step };

// REQUIRES of append and verify: inside a transaction.
// Errors of all: the database's.
Status append(sqlite::Database& database, const ChangeRecord& record, Entry entry);
Result<std::vector<AuditRecord>> read(sqlite::Database& database, std::optional<ChangeId> change);
Result<std::int64_t> verify(sqlite::Database& database);

}  // namespace autotune::audit
