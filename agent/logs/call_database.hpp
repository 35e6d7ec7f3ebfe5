// CallDatabase: Snafu's call log in SQLite, table `log` (source, function, duration in ms, success). Read only; rows
// that are added later are given later. A .gz is read into memory. One thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "agent/logs/call_log.hpp"
#include "core/result.hpp"

namespace autotune::logs {

struct LoggedRow {
    std::int64_t number = 0;
    Result<LoggedCall> call;  // or what is wrong with it
};

class CallDatabase {
public:
    ~CallDatabase();
    CallDatabase(CallDatabase&&) noexcept;
    CallDatabase& operator=(CallDatabase&&) noexcept;

    // Errors: not_found, permission_denied, corrupt (no SQLite, or no such table).
    [[nodiscard]] static Result<CallDatabase> open(const std::filesystem::path& path);
    // Rows that were not given yet, at most `most`. Errors: corrupt, unavailable.
    [[nodiscard]] Result<std::vector<LoggedRow>> read(std::size_t most);

private:
    struct Impl;
    explicit CallDatabase(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace autotune::logs
