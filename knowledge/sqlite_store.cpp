#include "knowledge/sqlite_store.hpp"

#include <system_error>

#include "knowledge/audit.hpp"
#include "knowledge/change_rows.hpp"
#include "knowledge/invocation_rows.hpp"
#include "knowledge/refusal_rows.hpp"
#include "knowledge/schema.hpp"
#include "knowledge/sqlite.hpp"
#include "knowledge/writer_lock.hpp"

namespace autotune {

using sqlite::Access;
using sqlite::Database;
using sqlite::Transaction;

namespace {
// What was being done and where, and what to do about damage.
Unexpected explain(const Error& error, std::string_view doing, const std::filesystem::path& file) {
    Error e = error.with_context(std::string(doing) + " " + file.string());
    if (e.code == Errc::corrupt)
        e.message +=
            ". Move the file and its -wal away to start anew; look at the functions' aliases by hand first, "
            "since a canary may have been under way";
    return unexpected(std::move(e));
}
}  // namespace

struct SqliteStore::Impl {
    std::filesystem::path file;
    std::optional<WriterLock> lock;  // none: read-only
    // Two connections, since durability is a setting of a connection: the journal's commits wait for the
    // disk, the invocations' do not.
    Database journal;
    Database bulk;

    // Runs `work` in one transaction on `database`.
    template <class Work>
    auto transact(Database& database, std::string_view doing, Work work) -> decltype(work()) {
        const auto access = lock ? Access::read_write : Access::read_only;
        auto transaction = Transaction::begin(database, access);
        if (!transaction) return explain(transaction.error(), doing, file);
        auto done = work();
        if (!done) return explain(done.error(), doing, file);
        if (const Status committed = transaction->commit(); !committed)
            return explain(committed.error(), doing, file);
        return done;
    }
};

SqliteStore::SqliteStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SqliteStore::~SqliteStore() = default;

Result<std::unique_ptr<SqliteStore>> SqliteStore::open(const std::filesystem::path& file) {
    std::error_code trouble;
    if (file.has_parent_path()) std::filesystem::create_directories(file.parent_path(), trouble);
    if (trouble) return unexpected(errno_error("making " + file.parent_path().string(), trouble.value()));
    auto lock = WriterLock::take(file);
    if (!lock) return lock.forward();

    auto journal = Database::open(file, Access::read_write);
    if (!journal) return explain(journal.error(), "opening", file);
    if (const Status set = journal->execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL"); !set)
        return explain(set.error(), "opening", file);
    if (const Status usable = schema::prepare(*journal); !usable)
        return explain(usable.error(), "opening", file);
    auto bulk = Database::open(file, Access::read_write);
    if (!bulk) return explain(bulk.error(), "opening", file);
    if (const Status set = bulk->execute("PRAGMA synchronous = NORMAL"); !set)
        return explain(set.error(), "opening", file);
    return std::unique_ptr<SqliteStore>(new SqliteStore(
        std::unique_ptr<Impl>(new Impl{file, *std::move(lock), *std::move(journal), *std::move(bulk)})));
}

Result<std::unique_ptr<SqliteStore>> SqliteStore::open_read_only(const std::filesystem::path& file) {
    auto journal = Database::open(file, Access::read_only);
    if (!journal) return explain(journal.error(), "opening", file);
    if (const Status usable = schema::check(*journal); !usable)
        return explain(usable.error(), "opening", file);
    auto bulk = Database::open(file, Access::read_only);
    if (!bulk) return explain(bulk.error(), "opening", file);
    return std::unique_ptr<SqliteStore>(new SqliteStore(
        std::unique_ptr<Impl>(new Impl{file, std::nullopt, *std::move(journal), *std::move(bulk)})));
}

Result<ChangeId> SqliteStore::open_change(const ChangeRecord& record) {
    Database& db = impl_->journal;
    return impl_->transact(db, "journalling in", [&]() -> Result<ChangeId> {
        auto id = insert_change(db, record);
        if (!id) return id;
        ChangeRecord opened = record;
        opened.id = *id;
        if (const Status noted = audit::append(db, opened, audit::Entry::opening); !noted)
            return noted.forward();
        return id;
    });
}

Status SqliteStore::save_change(const ChangeRecord& record) {
    Database& db = impl_->journal;
    return impl_->transact(db, "journalling in", [&]() -> Status {
        const Status updated = update_change(db, record);
        return updated ? audit::append(db, record, audit::Entry::step) : updated;
    });
}

Result<std::vector<ChangeRecord>> SqliteStore::unfinished_changes() {
    return impl_->transact(impl_->journal, "reading", [&] {
        return select_changes(impl_->journal, "WHERE step <> 'closed' ORDER BY id");
    });
}

Result<std::vector<ChangeRecord>> SqliteStore::changes(std::size_t limit) {
    return impl_->transact(impl_->journal, "reading", [&] {
        return select_changes(impl_->journal, "ORDER BY id DESC LIMIT " + std::to_string(limit));
    });
}

// The first term is that of the index begun_changes, by the letter: so few rows are looked at among many
// notes.
Result<std::vector<ChangeRecord>> SqliteStore::changes_since(WallTime from) {
    return impl_->transact(impl_->journal, "reading", [&] {
        return select_changes(
            impl_->journal,
            "WHERE disposition NOT IN ('planned', 'refused', 'notified') AND (step <> 'closed' "
            "OR updated_ns >= " +
                std::to_string(from.time_since_epoch().count()) + ") ORDER BY id DESC");
    });
}

Status SqliteStore::append(std::span<const Invocation> invocations) {
    if (invocations.empty()) return ok();
    return impl_->transact(impl_->bulk, "keeping invocations in",
                           [&] { return insert_invocations(impl_->bulk, invocations); });
}

Result<std::vector<Invocation>> SqliteStore::invocations_since(const FunctionRef& function, WallTime from) {
    return impl_->transact(impl_->bulk, "reading",
                           [&] { return select_invocations(impl_->bulk, function, from); });
}

Status SqliteStore::visit_newest(WallTime from, const std::function<bool(const Invocation&)>& visit) {
    return impl_->transact(impl_->bulk, "reading", [&] { return autotune::visit_newest(impl_->bulk, from, visit); });
}

Result<std::uint64_t> SqliteStore::count_invocations(WallTime from, WallTime to) {
    return impl_->transact(impl_->bulk, "reading", [&] { return autotune::count_invocations(impl_->bulk, from, to); });
}

Status SqliteStore::forget(WallTime before) {
    return impl_->transact(impl_->bulk, "forgetting invocations in", [&] {
        const Status done = delete_invocations(impl_->bulk, before);
        return done ? delete_refusals(impl_->bulk, before) : done;
    });
}

Status SqliteStore::keep(std::span<const RefusalRecord> refusals) {
    if (refusals.empty()) return ok();
    return impl_->transact(impl_->bulk, "keeping refusals in", [&] { return write_refusals(impl_->bulk, refusals); });
}

Result<std::vector<RefusalRecord>> SqliteStore::refused(const RefusalQuery& query) {
    return impl_->transact(impl_->bulk, "reading", [&] { return select_refusals(impl_->bulk, query); });
}

Result<ChangeRecord> SqliteStore::change(ChangeId id) {
    const std::string number = std::to_string(static_cast<std::int64_t>(id));
    return impl_->transact(impl_->journal, "reading", [&]() -> Result<ChangeRecord> {
        auto found = select_changes(impl_->journal, "WHERE id = " + number);
        if (!found) return found.forward();
        if (found->empty()) return fail(Errc::not_found, "there is no change " + number);
        return std::move(found->front());
    });
}

Result<std::vector<FunctionRef>> SqliteStore::functions_since(WallTime from) {
    return impl_->transact(impl_->bulk, "reading", [&] { return select_functions(impl_->bulk, from); });
}

Result<std::vector<AuditRecord>> SqliteStore::audit(std::optional<ChangeId> change) {
    return impl_->transact(impl_->journal, "reading", [&] { return audit::read(impl_->journal, change); });
}

Result<std::int64_t> SqliteStore::verify_audit() {
    return impl_->transact(impl_->journal, "verifying", [&] { return audit::verify(impl_->journal); });
}

}  // namespace autotune
