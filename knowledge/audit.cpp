#include "knowledge/audit.hpp"

#include <openssl/evp.h>

#include <array>

#include "knowledge/action_json.hpp"
#include "knowledge/change_rows.hpp"

namespace autotune::audit {

namespace {
struct Row {
    std::int64_t sequence = 0, change = 0;
    std::string step, disposition, candidate;
    std::int64_t at_ns = 0;
    std::string detail;
    std::string content;  // the Action when a change is opened, afterwards the judge's report
};
constexpr const char* kColumns =
    "sequence, change_id, step, disposition, candidate, at_ns, detail, content, hash";

// Every part with its length in front, so that no two records have one text.
Result<std::string> hash_of(const std::string& previous, const Row& r) {
    std::string text;
    for (const std::string& part : {previous, std::to_string(r.sequence), std::to_string(r.change), r.step,
                                    r.disposition, r.candidate, std::to_string(r.at_ns), r.detail, r.content})
        text += std::to_string(part.size()) + ":" + part + "\n";
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    if (EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1)
        return fail(Errc::internal, "OpenSSL cannot compute SHA-256");
    std::string hex;
    for (unsigned i = 0; i < size; ++i) {
        hex += "0123456789abcdef"[digest[i] >> 4];
        hex += "0123456789abcdef"[digest[i] & 15];
    }
    return hex;
}

Row row_at(const sqlite::Statement& s) {
    return {s.integer(0), s.integer(1), s.text(2), s.text(3), s.text(4), s.integer(5), s.text(6), s.text(7)};
}

Unexpected broken(std::int64_t sequence, const std::string& how) {
    return fail(Errc::corrupt, "audit record " + std::to_string(sequence) + " " + how);
}
}  // namespace

Status append(sqlite::Database& database, const ChangeRecord& record, Entry entry) {
    const auto last = database.integer("SELECT max(sequence) FROM audit");
    if (!last) return last.forward();
    const auto previous = database.text("SELECT hash FROM audit ORDER BY sequence DESC LIMIT 1");
    if (!previous) return previous.forward();

    const Row row{.sequence = *last + 1,
                  .change = static_cast<std::int64_t>(record.id),
                  .step = std::string(to_string(record.step)),
                  .disposition = std::string(to_string(record.disposition)),
                  .candidate = record.candidate,
                  .at_ns = record.updated.time_since_epoch().count(),
                  .detail = record.detail,
                  .content = entry == Entry::opening ? to_json(record.action)
                             : record.judged         ? to_json(*record.judged)
                                                     : ""};
    const auto hash = hash_of(*previous, row);
    if (!hash) return hash.forward();
    auto insert =
        database.prepare("INSERT INTO audit (" + std::string(kColumns) + ") VALUES (?,?,?,?,?,?,?,?,?)");
    if (!insert) return insert.forward();
    insert->bind(row.sequence).bind(row.change).bind(row.step).bind(row.disposition).bind(row.candidate);
    insert->bind(row.at_ns).bind(row.detail).bind(row.content).bind(*hash);
    return insert->run();
}

Result<std::vector<AuditRecord>> read(sqlite::Database& database, std::optional<ChangeId> change) {
    auto select = database.prepare("SELECT " + std::string(kColumns) +
                                   " FROM audit WHERE ?1 IS NULL OR change_id = ?1 ORDER BY sequence");
    if (!select) return select.forward();
    if (change) select->bind(static_cast<std::int64_t>(*change));
    std::vector<AuditRecord> found;
    while (true) {
        const auto more = select->step();
        if (!more) return more.forward();
        if (!*more) return found;
        const Row row = row_at(*select);
        const auto step = step_from(row.step);
        if (!step) return broken(row.sequence, "has a step that is not known");
        found.push_back({.sequence = row.sequence,
                         .change = ChangeId(row.change),
                         .step = *step,
                         .disposition = disposition_from(row.disposition),
                         .at = WallTime(Nanos(row.at_ns)),
                         .detail = row.detail,
                         .hash = select->text(8)});
    }
}

Result<std::int64_t> verify(sqlite::Database& database) {
    auto select = database.prepare("SELECT " + std::string(kColumns) + " FROM audit ORDER BY sequence");
    if (!select) return select.forward();
    std::string previous;
    std::int64_t count = 0;
    while (true) {
        const auto more = select->step();
        if (!more) return more.forward();
        if (!*more) break;
        const Row row = row_at(*select);
        if (row.sequence != ++count) return broken(count, "is missing");
        const auto expected = hash_of(previous, row);
        if (!expected) return expected.forward();
        previous = select->text(8);
        if (previous != *expected) return broken(count, "was altered, or one before it was");
    }
    // A chain does not show that its end was cut off; the changes themselves do. Also the other way
    // round: a change that was altered by hand does not fit its last record.
    const auto unmatched = database.integer(R"sql(
        SELECT c.id FROM changes c
        LEFT JOIN audit a ON a.sequence = (SELECT max(sequence) FROM audit WHERE change_id = c.id)
        LEFT JOIN audit o ON o.sequence = (SELECT min(sequence) FROM audit WHERE change_id = c.id)
        WHERE a.sequence IS NULL OR a.step <> c.step OR a.disposition <> c.disposition
           OR a.candidate <> c.candidate OR a.at_ns <> c.updated_ns OR a.detail <> c.detail
           OR o.content <> c.action
        LIMIT 1)sql");
    if (!unmatched) return unmatched.forward();
    if (*unmatched != 0)
        return fail(Errc::corrupt,
                    "change " + std::to_string(*unmatched) + " does not match its last audit record");
    const auto orphan = database.integer(
        "SELECT sequence FROM audit WHERE change_id NOT IN (SELECT id FROM changes) ORDER BY sequence LIMIT "
        "1");
    if (!orphan) return orphan.forward();
    if (*orphan != 0) return broken(*orphan, "belongs to a change that is gone");
    return count;
}

}  // namespace autotune::audit
