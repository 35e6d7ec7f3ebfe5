// SqliteStore: the KnowledgeStore in one SQLite file.
//
// Journal writes are on the disk when the call returns (WAL, synchronous=FULL). Invocations survive
// the process at once and a power cut from the next checkpoint on: a batch is one transaction.
// One process writes: it holds FILE.lock until the store is destroyed or the process is gone, however
// it ended. Readers (`open_read_only`) may come and go at any time, also while nobody writes.
//
// The audit trail is append-only and hash-chained: the SHA-256 of each record covers the one before,
// so a record that was altered, removed or put in shows in verify_audit().
//
// Errors: already_exists (another agent holds the file), corrupt (the message says what to do),
// unsupported (written by a newer autotune), resource_exhausted (disk full), permission_denied. After
// an error the file is as it was before the call.
// One thread uses a store at a time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/knowledge_store.hpp"
#include "core/result.hpp"

namespace autotune {

// One line of the audit trail.
struct AuditRecord {
    std::int64_t sequence = 0;  // 1, 2, 3, … without gaps
    ChangeId change{};
    Step step{};
    Disposition disposition{};
    WallTime at;
    std::string detail;
    std::string hash;  // 64 hex digits; covers the record and the hash before
};

class SqliteStore final : public KnowledgeStore {
public:
    // Opens for writing; makes the file, and the folders above it, where there are none.
    static Result<std::unique_ptr<SqliteStore>> open(const std::filesystem::path& file);
    // For `autotune history`. Errors: not_found. Every write answers permission_denied.
    static Result<std::unique_ptr<SqliteStore>> open_read_only(const std::filesystem::path& file);
    ~SqliteStore() override;

    Result<ChangeId> open_change(const ChangeRecord& record) override;
    Status save_change(const ChangeRecord& record) override;
    Result<std::vector<ChangeRecord>> unfinished_changes() override;
    Result<std::vector<ChangeRecord>> changes(std::size_t limit) override;
    Result<std::vector<ChangeRecord>> changes_since(WallTime from) override;
    Status append(std::span<const Invocation> invocations) override;
    Result<std::vector<Invocation>> invocations_since(const FunctionRef&, WallTime from) override;
    Status keep(std::span<const RefusalRecord> refusals) override;
    Result<std::vector<RefusalRecord>> refused(const RefusalQuery& query) override;
    Status forget(WallTime before) override;

    // Errors: not_found.
    Result<ChangeRecord> change(ChangeId id) override;
    // Invocations of all functions that began at `from` or later, newest first, one at a time, until `visit` says
    // false: there may be more than memory holds. REQUIRES: `visit` does not use the store.
    Status visit_newest(WallTime from, const std::function<bool(const Invocation&)>& visit);
    // How many invocations of all functions began from `from` to `to`, both included.
    Result<std::uint64_t> count_invocations(WallTime from, WallTime to);
    // Those with invocations on record that began at `from` or later, by name.
    Result<std::vector<FunctionRef>> functions_since(WallTime from);

    // The audit trail of one change, or of all; oldest first.
    Result<std::vector<AuditRecord>> audit(std::optional<ChangeId> change);
    // Recomputes every hash and compares the last record of each change with the change itself.
    // Gives the number of records. Errors: corrupt, naming the first record that does not fit.
    Result<std::int64_t> verify_audit();

private:
    struct Impl;
    explicit SqliteStore(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace autotune
