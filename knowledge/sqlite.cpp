#include "knowledge/sqlite.hpp"

#include <sqlite3.h>

namespace autotune::sqlite {

namespace {
constexpr int kBusyTimeoutMs = 5000;

Errc kind_of(int code) {
    switch (code & 0xff) {
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB: return Errc::corrupt;
        case SQLITE_FULL:
        case SQLITE_NOMEM: return Errc::resource_exhausted;
        case SQLITE_READONLY:
        case SQLITE_PERM:
        case SQLITE_AUTH: return Errc::permission_denied;
        case SQLITE_CANTOPEN: return Errc::not_found;
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
        case SQLITE_IOERR: return Errc::unavailable;
        case SQLITE_CONSTRAINT: return Errc::conflict;
        default: return Errc::internal;
    }
}

Unexpected trouble(sqlite3* database) {
    return fail(kind_of(sqlite3_extended_errcode(database)), sqlite3_errmsg(database));
}
}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

Statement& Statement::bind(std::int64_t value) {
    trouble_ |= sqlite3_bind_int64(statement_.get(), next_++, value);
    return *this;
}

Statement& Statement::bind(double value) {
    trouble_ |= sqlite3_bind_double(statement_.get(), next_++, value);
    return *this;
}

Statement& Statement::bind(std::string_view text) {
    // A null pointer would bind NULL, also with length 0.
    const char* bytes = text.empty() ? "" : text.data();
    trouble_ |=
        sqlite3_bind_text64(statement_.get(), next_++, bytes, text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
    return *this;
}

Statement& Statement::bind_null() {
    trouble_ |= sqlite3_bind_null(statement_.get(), next_++);
    return *this;
}

Result<bool> Statement::step() {
    sqlite3* database = sqlite3_db_handle(statement_.get());
    if (trouble_ != SQLITE_OK) return trouble(database);
    switch (sqlite3_step(statement_.get())) {
        case SQLITE_ROW: return true;
        case SQLITE_DONE: return false;
        default: return trouble(database);
    }
}

Status Statement::run() {
    const auto row = step();
    sqlite3_reset(statement_.get());
    next_ = 1;
    trouble_ = SQLITE_OK;
    if (!row) return row.forward();
    return ok();
}

std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(statement_.get(), column); }

double Statement::number(int column) const { return sqlite3_column_double(statement_.get(), column); }

std::string Statement::text(int column) const {
    const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
    const int size = sqlite3_column_bytes(statement_.get(), column);
    return bytes == nullptr ? std::string() : std::string(bytes, static_cast<std::size_t>(size));
}

bool Statement::null(int column) const {
    return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

void Database::Close::operator()(sqlite3* database) const { sqlite3_close_v2(database); }

Result<Database> Database::open(const std::filesystem::path& file, Access access) {
    sqlite3* raw = nullptr;
    const int mode =
        access == Access::read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    const int code = sqlite3_open_v2(file.c_str(), &raw, mode | SQLITE_OPEN_NOMUTEX, nullptr);
    Database database(raw);
    if (raw == nullptr) return fail(Errc::resource_exhausted, "out of memory");
    if (code != SQLITE_OK) return trouble(raw);
    sqlite3_busy_timeout(raw, kBusyTimeoutMs);
    sqlite3_extended_result_codes(raw, 1);
    return database;
}

Status Database::execute(const std::string& sql) {
    if (sqlite3_exec(database_.get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
        return trouble(database_.get());
    return ok();
}

Result<Statement> Database::prepare(std::string_view sql) {
    sqlite3_stmt* raw = nullptr;
    if (sqlite3_prepare_v2(database_.get(), sql.data(), static_cast<int>(sql.size()), &raw, nullptr) !=
        SQLITE_OK)
        return trouble(database_.get());
    return Statement(raw);
}

Result<Statement*> Database::kept(std::string_view sql) {
    auto found = kept_.find(sql);
    if (found == kept_.end()) {
        auto fresh = prepare(sql);
        if (!fresh) return fresh.forward();
        found = kept_.emplace(std::string(sql), *std::move(fresh)).first;
    }
    return &found->second;
}

Result<std::int64_t> Database::integer(std::string_view sql) {
    auto statement = prepare(sql);
    if (!statement) return statement.forward();
    const auto row = statement->step();
    if (!row) return row.forward();
    return *row ? statement->integer(0) : 0;
}

Result<std::string> Database::text(std::string_view sql) {
    auto statement = prepare(sql);
    if (!statement) return statement.forward();
    const auto row = statement->step();
    if (!row) return row.forward();
    return *row ? statement->text(0) : std::string();
}

std::int64_t Database::last_row_id() const { return sqlite3_last_insert_rowid(database_.get()); }

Result<Transaction> Transaction::begin(Database& database, Access access) {
    // IMMEDIATE takes the write lock now: a later upgrade could fail half-way.
    const auto begin = database.kept(access == Access::read_only ? "BEGIN" : "BEGIN IMMEDIATE");
    if (!begin) return begin.forward();
    if (const Status begun = (*begin)->run(); !begun) return begun.forward();
    return Transaction(database);
}

Transaction::~Transaction() {
    // After some errors SQLite has rolled back by itself; then this is a harmless refusal.
    if (database_ != nullptr) (void)database_->execute("ROLLBACK");
}

Status Transaction::commit() {
    const auto commit = database_->kept("COMMIT");
    if (!commit) return commit.forward();
    const Status done = (*commit)->run();
    if (done) database_ = nullptr;
    return done;
}

}  // namespace autotune::sqlite
