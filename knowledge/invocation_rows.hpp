// Rows of table `invocations`. For this room only.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "core/invocation.hpp"
#include "core/result.hpp"
#include "knowledge/sqlite.hpp"

namespace autotune {

// Errors of all: the database's.
Status insert_invocations(sqlite::Database& database, std::span<const Invocation> invocations);
// Those that began at `from` or later, oldest first. Errors: corrupt.
Result<std::vector<Invocation>> select_invocations(sqlite::Database& database, const FunctionRef& function,
                                                   WallTime from);
// Those of all functions, newest first, one at a time, until `visit` says false. Errors: corrupt.
Status visit_newest(sqlite::Database& database, WallTime from,
                    const std::function<bool(const Invocation&)>& visit);
// How many of all functions began from `from` to `to`, both included.
Result<std::uint64_t> count_invocations(sqlite::Database& database, WallTime from, WallTime to);
// Those with invocations that began at `from` or later, by name.
Result<std::vector<FunctionRef>> select_functions(sqlite::Database& database, WallTime from);
Status delete_invocations(sqlite::Database& database, WallTime before);

}  // namespace autotune
