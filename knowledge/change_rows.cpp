#include "knowledge/change_rows.hpp"

#include "knowledge/action_json.hpp"
#include "knowledge/row.hpp"

namespace autotune {

namespace {
// A change as its row has it: names and JSON instead of enumerations and structs.
struct Row {
    std::string token, provider, function, action, alias, before_stable, before_candidate;
    double before_weight = 0;
    Etag before_etag;
    std::uint32_t before_memory_mb = 0;
    std::string before_head;  // "" of older versions, which changed the memory only
    std::string step, disposition, candidate;
    WallTime candidate_published;
    std::string judged;
    WallTime opened, updated;
    std::string detail;
};

template <class Visit, class AnyRow>
void each_field(Visit&& visit, AnyRow& r) {
    visit("token", r.token);
    visit("provider", r.provider);
    visit("function", r.function);
    visit("action", r.action);
    visit("alias", r.alias);
    visit("before_stable", r.before_stable);
    visit("before_candidate", r.before_candidate);
    visit("before_weight", r.before_weight);
    visit("before_etag", r.before_etag);
    visit("before_memory_mb", r.before_memory_mb);
    visit("before_head", r.before_head);
    visit("step", r.step);
    visit("disposition", r.disposition);
    visit("candidate", r.candidate);
    visit("candidate_published_ns", r.candidate_published);
    visit("judged", r.judged);
    visit("opened_ns", r.opened);
    visit("updated_ns", r.updated);
    visit("detail", r.detail);
}

const sqlite::Names& names() {
    static const sqlite::Names all = [] {
        sqlite::Names n;
        each_field(n, static_cast<const Row&>(Row()));
        return n;
    }();
    return all;
}

Row row_of(const ChangeRecord& c) {
    return {.token = c.token,
            .provider = c.action.target.provider,
            .function = c.action.target.name,
            .action = to_json(c.action),
            .alias = c.before.alias,
            .before_stable = c.before.stable,
            .before_candidate = c.before.candidate.value_or(""),
            .before_weight = c.before.weight,
            .before_etag = c.before.etag,
            .before_memory_mb = c.before_head.memory_mb,
            .before_head = to_json(c.before_head),
            .step = std::string(to_string(c.step)),
            .disposition = std::string(to_string(c.disposition)),
            .candidate = c.candidate,
            .candidate_published = c.candidate_published,
            .judged = c.judged ? to_json(*c.judged) : "",
            .opened = c.opened,
            .updated = c.updated,
            .detail = c.detail};
}

Result<ChangeRecord> change_of(std::int64_t id, Row r) {
    const auto step = step_from(r.step);
    if (!step) return fail(Errc::corrupt, "step \"" + r.step + "\" is not known");
    auto action = action_from_json(r.action);
    if (!action) return action.forward();
    ChangeRecord c;
    if (!r.judged.empty()) {
        auto report = judge_report_from_json(r.judged);
        if (!report) return report.forward();
        c.judged = *std::move(report);
    }
    c.id = ChangeId(id);
    c.token = std::move(r.token);
    c.action = *std::move(action);
    c.before = {.alias = std::move(r.alias),
                .stable = std::move(r.before_stable),
                .candidate = r.before_candidate.empty() ? std::nullopt : std::optional(r.before_candidate),
                .weight = r.before_weight,
                .etag = std::move(r.before_etag)};
    c.before_head.memory_mb = r.before_memory_mb;
    if (!r.before_head.empty()) {
        auto head = tuning_from_json(r.before_head);
        if (!head) return head.forward();
        c.before_head = *std::move(head);
    }
    c.step = *step;
    c.disposition = disposition_from(r.disposition);
    c.candidate = std::move(r.candidate);
    c.candidate_published = r.candidate_published;
    c.opened = r.opened;
    c.updated = r.updated;
    c.detail = std::move(r.detail);
    return c;
}
}  // namespace

Disposition disposition_from(std::string_view name) {
    for (int i = 0; i <= static_cast<int>(Disposition::waiting); ++i)
        if (to_string(static_cast<Disposition>(i)) == name) return static_cast<Disposition>(i);
    return Disposition::in_progress;
}

Result<ChangeId> insert_change(sqlite::Database& database, const ChangeRecord& record) {
    auto insert =
        database.prepare("INSERT INTO changes (" + names().columns + ") VALUES (" + names().marks + ")");
    if (!insert) return insert.forward();
    const Row row = row_of(record);
    each_field(sqlite::Writer{*insert}, row);
    if (const Status done = insert->run(); !done) return done.forward();
    return ChangeId(database.last_row_id());
}

Status update_change(sqlite::Database& database, const ChangeRecord& record) {
    auto update = database.prepare("UPDATE changes SET " + names().updates + " WHERE id = ? RETURNING id");
    if (!update) return update.forward();
    const Row row = row_of(record);
    each_field(sqlite::Writer{*update}, row);
    update->bind(static_cast<std::int64_t>(record.id));
    const auto found = update->step();
    if (!found) return found.forward();
    if (!*found)
        return fail(Errc::not_found,
                    "there is no change " + std::to_string(static_cast<std::int64_t>(record.id)));
    return ok();
}

Result<std::vector<ChangeRecord>> select_changes(sqlite::Database& database, std::string_view where) {
    auto select = database.prepare("SELECT " + names().columns + ", id FROM changes " + std::string(where));
    if (!select) return select.forward();
    std::vector<ChangeRecord> found;
    while (true) {
        const auto more = select->step();
        if (!more) return more.forward();
        if (!*more) return found;
        Row row;
        sqlite::Reader reader{*select};
        each_field(reader, row);
        const std::int64_t id = select->integer(reader.column);
        auto change = change_of(id, std::move(row));
        if (!change) return change.forward("change " + std::to_string(id));
        found.push_back(*std::move(change));
    }
}

}  // namespace autotune
