#include "agent/logs/call_database.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <cstring>

#include "agent/logs/growing_file.hpp"

namespace autotune::logs {
namespace {

constexpr int kPatienceMs = 200;  // Snafu writes for a moment at a time
constexpr const char* kRows =
    "SELECT rowid, source, function, duration, success, typeof(duration) FROM log WHERE rowid > ?1 "
    "ORDER BY rowid LIMIT ?2";

struct CloseDatabase {
    void operator()(sqlite3* database) const { sqlite3_close(database); }
};
struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};

Errc code_of(int status) {
    switch (status & 0xff) {
        case SQLITE_CANTOPEN: return Errc::not_found;
        case SQLITE_PERM:
        case SQLITE_AUTH: return Errc::permission_denied;
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
        case SQLITE_IOERR: return Errc::unavailable;
        default: return Errc::corrupt;
    }
}

std::string text_in(sqlite3_stmt* row, int column) {
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(row, column));
    return text ? std::string(text, static_cast<std::size_t>(sqlite3_column_bytes(row, column))) : std::string();
}

Result<LoggedCall> call_in(sqlite3_stmt* row) {
    LoggedCall call{.source = text_in(row, 1), .function = text_in(row, 2)};
    if (call.function.empty()) return fail(Errc::corrupt, "the function has no name");
    const std::string type = text_in(row, 5);
    if (type != "real" && type != "integer") return fail(Errc::corrupt, "the duration is no number");
    auto duration = duration_of(sqlite3_column_double(row, 3));
    if (!duration) return duration.forward();
    auto outcome = outcome_of(text_in(row, 4));
    if (!outcome) return outcome.forward();
    call.duration = *duration;
    call.succeeded = *outcome;
    return call;
}

bool is_compressed(const std::string& path) { return path.ends_with(".gz"); }

}  // namespace

struct CallDatabase::Impl {
    std::string name;
    std::unique_ptr<sqlite3, CloseDatabase> database;
    std::int64_t last = INT64_MIN;

    [[nodiscard]] Unexpected failure(int status) const {
        return fail(code_of(status), name + ": " + sqlite3_errmsg(database.get()));
    }
    // SQLite keeps the bytes and frees them.
    [[nodiscard]] Status load(const std::string& bytes) {
        const auto size = static_cast<sqlite3_int64>(bytes.size());
        auto* copy = static_cast<unsigned char*>(sqlite3_malloc64(bytes.size() + 1));
        if (copy == nullptr) return fail(Errc::resource_exhausted, name + ": no memory");
        std::memcpy(copy, bytes.data(), bytes.size());
        const int status = sqlite3_deserialize(database.get(), "main", copy, size, size,
                                               SQLITE_DESERIALIZE_READONLY | SQLITE_DESERIALIZE_FREEONCLOSE);
        if (status != SQLITE_OK) return failure(status);
        return ok();
    }
};

CallDatabase::CallDatabase(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
CallDatabase::~CallDatabase() = default;
CallDatabase::CallDatabase(CallDatabase&&) noexcept = default;
CallDatabase& CallDatabase::operator=(CallDatabase&&) noexcept = default;

Result<CallDatabase> CallDatabase::open(const std::filesystem::path& path) {
    auto file = GrowingFile::open(path);  // says better than SQLite why it cannot be read
    if (!file) return file.forward();
    auto impl = std::make_unique<Impl>();
    impl->name = path.string();
    const bool in_memory = is_compressed(impl->name);
    sqlite3* opened = nullptr;
    const int status = sqlite3_open_v2(in_memory ? ":memory:" : impl->name.c_str(), &opened,
                                       in_memory ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY, nullptr);
    impl->database.reset(opened);
    if (status != SQLITE_OK) return impl->failure(status);
    sqlite3_busy_timeout(opened, kPatienceMs);
    if (in_memory) {
        std::string all;
        for (;;) {
            auto piece = file->read();
            if (!piece) return piece.forward();
            if (piece->empty()) break;
            all += *piece;
        }
        if (file->is_cut()) return fail(Errc::corrupt, impl->name + ": it ends in the middle of its compressed data");
        if (auto s = impl->load(all); !s) return s.forward();
    }
    CallDatabase database(std::move(impl));
    if (auto rows = database.read(0); !rows) return rows.forward();  // is there such a table?
    return database;
}

Result<std::vector<LoggedRow>> CallDatabase::read(std::size_t most) {
    sqlite3_stmt* prepared = nullptr;
    int status = sqlite3_prepare_v2(impl_->database.get(), kRows, -1, &prepared, nullptr);
    const std::unique_ptr<sqlite3_stmt, Finalize> row(prepared);
    if (status != SQLITE_OK) return impl_->failure(status);
    sqlite3_bind_int64(prepared, 1, impl_->last);
    sqlite3_bind_int64(prepared, 2, static_cast<sqlite3_int64>(most));
    std::vector<LoggedRow> rows;
    while ((status = sqlite3_step(prepared)) == SQLITE_ROW) {
        impl_->last = sqlite3_column_int64(prepared, 0);
        rows.push_back({.number = impl_->last, .call = call_in(prepared)});
    }
    if (status != SQLITE_DONE && (rows.empty() || code_of(status) == Errc::corrupt)) return impl_->failure(status);
    return rows;
}

}  // namespace autotune::logs
