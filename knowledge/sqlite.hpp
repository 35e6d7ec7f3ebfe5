// SQLite as values that clean up: Database, Statement, Transaction. For this room only.
//
// Errors: corrupt, resource_exhausted (disk full), permission_denied, unavailable (disk error, or
// locked for longer than the busy timeout), not_found, internal (our SQL is wrong).
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "core/result.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace autotune::sqlite {

enum class Access : std::uint8_t { read_only, read_write };

// A prepared statement. Parameters are bound in order; a binding that fails shows at the next step().
// REQUIRES: the database outlives it.
class Statement {
public:
    Statement& bind(std::int64_t value);
    Statement& bind(double value);
    Statement& bind(std::string_view text);  // copied
    Statement& bind_null();

    Result<bool> step();  // true: a row can be read
    Status run();         // for statements without rows; ready for new parameters afterwards

    // Of the row, by column number.
    [[nodiscard]] std::int64_t integer(int column) const;
    [[nodiscard]] double number(int column) const;
    [[nodiscard]] std::string text(int column) const;
    [[nodiscard]] bool null(int column) const;

private:
    friend class Database;
    struct Finalize {
        void operator()(sqlite3_stmt* statement) const;
    };
    explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}
    std::unique_ptr<sqlite3_stmt, Finalize> statement_;
    int next_ = 1;
    int trouble_ = 0;
};

class Database {
public:
    // read_write makes the file where there is none. Errors as above.
    static Result<Database> open(const std::filesystem::path& file, Access access);

    Status execute(const std::string& sql);  // any number of statements
    Result<Statement> prepare(std::string_view sql);
    // One that is asked for often: prepared at the first time (that costs as much as some rows), ready for new
    // parameters after each run(). It is the database's, until that is closed.
    Result<Statement*> kept(std::string_view sql);
    Result<std::int64_t> integer(std::string_view sql);  // first column of the first row, 0 when none
    Result<std::string> text(std::string_view sql);      // likewise, ""
    [[nodiscard]] std::int64_t last_row_id() const;

private:
    struct Close {
        void operator()(sqlite3* database) const;
    };
    explicit Database(sqlite3* database) : database_(database) {}
    std::unique_ptr<sqlite3, Close> database_;
    std::map<std::string, Statement, std::less<>> kept_;  // finalized before the database is closed
};

// All or nothing: rolled back unless commit() succeeded. REQUIRES: the database outlives it.
class Transaction {
public:
    static Result<Transaction> begin(Database& database, Access access);
    ~Transaction();
    Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
    Transaction& operator=(Transaction&&) = delete;

    Status commit();

private:
    explicit Transaction(Database& database) : database_(&database) {}
    Database* database_;
};

}  // namespace autotune::sqlite
