#include "knowledge/schema.hpp"

#include <array>

namespace autotune::schema {

namespace {
// Marks the file as ours: "autt" in ASCII.
constexpr std::int64_t kApplicationId = 0x61757474;

// Migration i makes version i+1 of version i. Never change one that was released: add another.
// STRICT: a value of the wrong type is an error, not a surprise years later.
constexpr std::array<const char*, 12> kMigrations{R"sql(
CREATE TABLE changes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    token TEXT NOT NULL UNIQUE,
    provider TEXT NOT NULL,
    function TEXT NOT NULL,
    action TEXT NOT NULL,
    alias TEXT NOT NULL,
    before_stable TEXT NOT NULL,
    before_candidate TEXT NOT NULL,
    before_weight REAL NOT NULL,
    before_etag TEXT NOT NULL,
    before_memory_mb INTEGER NOT NULL,
    step TEXT NOT NULL,
    disposition TEXT NOT NULL,
    candidate TEXT NOT NULL,
    candidate_published_ns INTEGER NOT NULL,
    judged TEXT NOT NULL,
    opened_ns INTEGER NOT NULL,
    updated_ns INTEGER NOT NULL,
    detail TEXT NOT NULL
) STRICT;
CREATE INDEX unfinished_changes ON changes (step) WHERE step <> 'closed';

CREATE TABLE audit (
    sequence INTEGER PRIMARY KEY,
    change_id INTEGER NOT NULL,
    step TEXT NOT NULL,
    disposition TEXT NOT NULL,
    candidate TEXT NOT NULL,
    at_ns INTEGER NOT NULL,
    detail TEXT NOT NULL,
    content TEXT NOT NULL,
    hash TEXT NOT NULL
) STRICT;
CREATE INDEX audit_of_change ON audit (change_id, sequence);
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;

CREATE TABLE invocations (
    provider TEXT NOT NULL,
    function TEXT NOT NULL,
    wall_start_ns INTEGER NOT NULL,
    id TEXT NOT NULL,
    version TEXT NOT NULL,
    qualifier TEXT NOT NULL,
    trace_id TEXT NOT NULL,
    pid INTEGER NOT NULL,
    process_start_ns INTEGER NOT NULL,
    cgroup INTEGER NOT NULL,
    backend INTEGER NOT NULL,
    start_ns INTEGER NOT NULL,
    end_ns INTEGER NOT NULL,
    duration_ns INTEGER NOT NULL,
    time_limit_ns INTEGER NOT NULL,
    status INTEGER NOT NULL,
    error_type TEXT NOT NULL,
    cold INTEGER NOT NULL,
    init_ns INTEGER NOT NULL,
    cpu_ns INTEGER NOT NULL,
    runnable_ns INTEGER NOT NULL,
    network_wait_ns INTEGER NOT NULL,
    disk_wait_ns INTEGER NOT NULL,
    memory_peak INTEGER NOT NULL,
    memory_peak_is_bound INTEGER NOT NULL,
    memory_limit INTEGER NOT NULL,
    memory_mb INTEGER NOT NULL,
    request_bytes INTEGER NOT NULL,
    response_bytes INTEGER NOT NULL,
    samples INTEGER NOT NULL,
    events_lost INTEGER NOT NULL,
    peers TEXT NOT NULL,
    files TEXT NOT NULL
) STRICT;
CREATE INDEX invocations_of_function ON invocations (provider, function, wall_start_ns);
CREATE INDEX invocations_by_time ON invocations (wall_start_ns);
)sql",
                                                 R"sql(
ALTER TABLE invocations ADD COLUMN usage_is_shared INTEGER NOT NULL DEFAULT 0;
)sql",
                                                 R"sql(
CREATE INDEX begun_changes ON changes (id) WHERE disposition NOT IN ('planned', 'refused', 'notified');
)sql",
                                                 R"sql(
ALTER TABLE invocations ADD COLUMN thread_wall_ns INTEGER NOT NULL DEFAULT 0;
ALTER TABLE invocations ADD COLUMN thread_cpu_ns INTEGER NOT NULL DEFAULT 0;
ALTER TABLE invocations ADD COLUMN off_cpu_unknown_ns INTEGER NOT NULL DEFAULT 0;
ALTER TABLE invocations ADD COLUMN off_cpu_network_ns INTEGER NOT NULL DEFAULT 0;
ALTER TABLE invocations ADD COLUMN off_cpu_disk_ns INTEGER NOT NULL DEFAULT 0;
ALTER TABLE invocations ADD COLUMN off_cpu_lock_ns INTEGER NOT NULL DEFAULT 0;
ALTER TABLE invocations ADD COLUMN off_cpu_sleep_ns INTEGER NOT NULL DEFAULT 0;
ALTER TABLE invocations ADD COLUMN off_cpu_child_ns INTEGER NOT NULL DEFAULT 0;
ALTER TABLE invocations ADD COLUMN off_cpu_run_queue_ns INTEGER NOT NULL DEFAULT 0;
ALTER TABLE invocations ADD COLUMN minor_faults INTEGER NOT NULL DEFAULT 0;
ALTER TABLE invocations ADD COLUMN major_faults INTEGER NOT NULL DEFAULT 0;
)sql",
                                                 R"sql(
ALTER TABLE invocations ADD COLUMN not_decoded TEXT NOT NULL DEFAULT '[]';
)sql",
                                                 R"sql(
ALTER TABLE invocations ADD COLUMN held INTEGER NOT NULL DEFAULT 0;
)sql",
                                                 R"sql(
ALTER TABLE invocations ADD COLUMN boundary INTEGER NOT NULL DEFAULT 0;
ALTER TABLE invocations ADD COLUMN io_ambiguous INTEGER NOT NULL DEFAULT 0;
)sql",
                                                 R"sql(
ALTER TABLE invocations ADD COLUMN stands_for INTEGER NOT NULL DEFAULT 1;
)sql",
                                                 R"sql(
ALTER TABLE changes ADD COLUMN before_head TEXT NOT NULL DEFAULT '';
)sql",
                                                 R"sql(
ALTER TABLE invocations ADD COLUMN calls_not_kept INTEGER NOT NULL DEFAULT 0;
ALTER TABLE invocations ADD COLUMN calls_are_known INTEGER NOT NULL DEFAULT 0;
ALTER TABLE invocations ADD COLUMN calls TEXT NOT NULL DEFAULT '[]';
)sql",
                                                  R"sql(
CREATE TABLE refusals (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    provider TEXT NOT NULL,
    function TEXT NOT NULL,
    rule TEXT NOT NULL,
    change TEXT NOT NULL,
    reason TEXT NOT NULL,
    at_ns INTEGER NOT NULL
) STRICT;
CREATE INDEX refusals_by_time ON refusals (at_ns);
)sql",
                                                 R"sql(
ALTER TABLE refusals ADD COLUMN until_ns INTEGER NOT NULL DEFAULT 0;
UPDATE refusals SET until_ns = at_ns;
)sql"};
constexpr std::int64_t kVersion = kMigrations.size();

// A new file has version 0.
Result<std::int64_t> version_of(sqlite::Database& database) {
    const auto tables = database.integer("SELECT count(*) FROM sqlite_schema");
    if (!tables) return tables.forward();
    if (*tables == 0) return 0;
    const auto owner = database.integer("PRAGMA application_id");
    if (!owner) return owner.forward();
    if (*owner != kApplicationId) return fail(Errc::corrupt, "this SQLite file is not a store of autotune");
    const auto version = database.integer("SELECT max(version) FROM migrations");
    if (version && *version > kVersion)
        return fail(Errc::unsupported, "written by a newer autotune (schema " + std::to_string(*version) +
                                           ", this one knows up to " + std::to_string(kVersion) + ")");
    return version;
}

// What must not be damaged for a change to be resumed. The bulk of the file, the invocations, would
// take too long at each start and is only evidence.
Status check_journal(sqlite::Database& database) {
    for (const char* table : {"changes", "audit"}) {
        const auto found = database.text(std::string("PRAGMA quick_check('") + table + "')");
        if (!found) return found.forward();
        if (*found != "ok") return fail(Errc::corrupt, std::string("table ") + table + ": " + *found);
    }
    return ok();
}

Status migrate(sqlite::Database& database, std::int64_t version) {
    auto transaction = sqlite::Transaction::begin(database, sqlite::Access::read_write);
    if (!transaction) return transaction.forward();
    std::string sql = kMigrations[static_cast<std::size_t>(version)];
    if (version == 0)
        sql = "PRAGMA application_id = " + std::to_string(kApplicationId) +
              "; CREATE TABLE migrations (version INTEGER PRIMARY KEY, applied TEXT NOT NULL) STRICT;" + sql;
    sql += "INSERT INTO migrations VALUES (" + std::to_string(version + 1) + ", datetime('now'));";
    const Status done = database.execute(sql);
    return done ? transaction->commit() : done;
}
}  // namespace

Status prepare(sqlite::Database& database) {
    const auto version = version_of(database);
    if (!version) return version.forward();
    for (std::int64_t v = *version; v < kVersion; ++v)
        if (const Status done = migrate(database, v); !done)
            return done.forward("making schema " + std::to_string(v + 1));
    return check_journal(database);
}

Status check(sqlite::Database& database) {
    const auto version = version_of(database);
    if (!version) return version.forward();
    if (*version < kVersion)
        return fail(Errc::unsupported, "written by an older autotune (schema " + std::to_string(*version) +
                                           "); `autotune run` brings it up to date");
    return check_journal(database);
}

}  // namespace autotune::schema
