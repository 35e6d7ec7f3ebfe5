#include "knowledge/refusal_rows.hpp"

#include <algorithm>
#include <limits>

#include "knowledge/row.hpp"

namespace autotune {

namespace {
template <class Visit, class AnyRefusal>
void each_field(Visit&& visit, AnyRefusal& r) {
    visit("provider", r.what.target.provider);
    visit("function", r.what.target.name);
    visit("rule", r.what.rule);
    visit("change", r.what.change);
    visit("reason", r.what.reason);
    visit("at_ns", r.at);
    visit("until_ns", r.until);
}

const sqlite::Names& names() {
    static const sqlite::Names all = [] {
        sqlite::Names n;
        each_field(n, static_cast<const RefusalRecord&>(RefusalRecord()));
        return n;
    }();
    return all;
}

std::int64_t ns(WallTime t) { return t.time_since_epoch().count(); }
}  // namespace

Status write_refusals(sqlite::Database& database, std::span<const RefusalRecord> refusals) {
    auto insert = database.kept("INSERT INTO refusals (" + names().columns + ") VALUES (" + names().marks + ")");
    if (!insert) return insert.forward();
    auto extend = database.kept("UPDATE refusals SET until_ns = ? WHERE at_ns = ? AND provider = ? AND function = ? AND rule = ?");
    if (!extend) return extend.forward();
    for (const RefusalRecord& refusal : refusals) {
        const bool is_new = refusal.until <= refusal.at;
        if (is_new) {
            each_field(sqlite::Writer{**insert}, refusal);
        } else {
            sqlite::Writer known{**extend};
            known("until_ns", refusal.until), known("at_ns", refusal.at), known("provider", refusal.what.target.provider);
            known("function", refusal.what.target.name), known("rule", refusal.what.rule);
        }
        if (const Status done = (is_new ? *insert : *extend)->run(); !done) return done;
    }
    return ok();
}

Result<std::vector<RefusalRecord>> select_refusals(sqlite::Database& database, const RefusalQuery& query) {
    const std::string of_function = query.function ? " AND provider = ? AND function = ?" : "";
    auto select = database.prepare("SELECT " + names().columns + " FROM refusals WHERE until_ns >= ? AND at_ns < ?" + of_function +
                                   " ORDER BY at_ns DESC, id DESC LIMIT ?");
    if (!select) return select.forward();
    select->bind(ns(query.from)).bind(ns(query.before));
    if (query.function) select->bind(std::string_view(query.function->provider)).bind(std::string_view(query.function->name));
    constexpr std::size_t kMost = std::numeric_limits<std::int64_t>::max();
    select->bind(static_cast<std::int64_t>(std::min(query.limit, kMost)));
    std::vector<RefusalRecord> found;
    while (true) {
        const auto more = select->step();
        if (!more) return more.forward();
        if (!*more) return found;
        RefusalRecord refusal;
        sqlite::Reader reader{*select};
        each_field(reader, refusal);
        found.push_back(std::move(refusal));
    }
}

Status delete_refusals(sqlite::Database& database, WallTime before) {
    auto remove = database.prepare("DELETE FROM refusals WHERE until_ns < ?");
    if (!remove) return remove.forward();
    remove->bind(ns(before));
    return remove->run();
}

}  // namespace autotune
