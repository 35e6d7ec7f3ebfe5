// The store's tables and how an older file becomes a current one. For this room only.
#pragma once

#include "core/result.hpp"
#include "knowledge/sqlite.hpp"

namespace autotune::schema {

// Makes or migrates the tables, each migration in one transaction. Errors: corrupt (a foreign or
// damaged file), unsupported (a newer autotune's).
Status prepare(sqlite::Database& database);

// The same checks without writing: an older file is unsupported, too.
Status check(sqlite::Database& database);

}  // namespace autotune::schema
