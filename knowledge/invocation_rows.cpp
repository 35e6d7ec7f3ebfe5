#include "knowledge/invocation_rows.hpp"

#include "knowledge/io_json.hpp"
#include "knowledge/row.hpp"

namespace autotune {

namespace {
// All but lists, which travel as JSON in the last four columns.
template <class Visit, class AnyInvocation>
void each_field(Visit&& visit, AnyInvocation& i) {
    visit("provider", i.function.provider);
    visit("function", i.function.name);
    visit("wall_start_ns", i.wall_start);
    visit("id", i.id);
    visit("version", i.version);
    visit("qualifier", i.qualifier);
    visit("trace_id", i.trace_id);
    visit("pid", i.process.pid);
    visit("process_start_ns", i.process.start_ns);
    visit("cgroup", i.cgroup);
    visit("backend", i.by);
    visit("start_ns", i.start);
    visit("end_ns", i.end);
    visit("duration_ns", i.duration);
    visit("time_limit_ns", i.time_limit);
    visit("status", i.status);
    visit("error_type", i.error_type);
    visit("cold", i.cold);
    visit("init_ns", i.init);
    visit("cpu_ns", i.cpu);
    visit("runnable_ns", i.runnable);
    visit("network_wait_ns", i.network_wait);
    visit("disk_wait_ns", i.disk_wait);
    visit("memory_peak", i.memory_peak);
    visit("memory_peak_is_bound", i.memory_peak_is_bound);
    visit("memory_limit", i.memory_limit);
    visit("memory_mb", i.memory_mb);
    visit("request_bytes", i.request_bytes);
    visit("response_bytes", i.response_bytes);
    visit("samples", i.samples);
    visit("events_lost", i.events_lost);
    visit("usage_is_shared", i.usage_is_shared);
    visit("thread_wall_ns", i.thread.wall);
    visit("thread_cpu_ns", i.thread.on_cpu);
    for (std::size_t cause = 0; cause < kWaitCauseCount; ++cause) {
        const std::string name(to_string(static_cast<WaitCause>(cause)));
        visit("off_cpu_" + name + "_ns", i.thread.off_cpu[cause]);
    }
    visit("minor_faults", i.thread.minor_faults);
    visit("major_faults", i.thread.major_faults);
    visit("held", i.held);
    visit("boundary", i.boundary);
    visit("io_ambiguous", i.io_ambiguous);
    visit("stands_for", i.stands_for);
    visit("calls_not_kept", i.calls_not_kept);
    visit("calls_are_known", i.calls_are_known);
}

const sqlite::Names& names() {
    static const sqlite::Names all = [] {
        sqlite::Names n;
        each_field(n, static_cast<const Invocation&>(Invocation()));
        n("peers", 0);
        n("files", 0);
        n("not_decoded", 0);
        n("calls", 0);
        return n;
    }();
    return all;
}
}  // namespace

Status insert_invocations(sqlite::Database& database, std::span<const Invocation> invocations) {
    static const std::string sql =
        "INSERT INTO invocations (" + names().columns + ") VALUES (" + names().marks + ")";
    const auto insert = database.kept(sql);
    if (!insert) return insert.forward();
    for (const Invocation& invocation : invocations) {
        each_field(sqlite::Writer{**insert}, invocation);
        (*insert)
            ->bind(to_json(invocation.peers))
            .bind(to_json(invocation.files))
            .bind(to_json(invocation.not_decoded))
            .bind(to_json(invocation.calls));
        if (const Status done = (*insert)->run(); !done) return done;
    }
    return ok();
}

namespace {
Result<Invocation> invocation_of(const sqlite::Statement& row) {
    Invocation invocation;
    sqlite::Reader reader{row};
    each_field(reader, invocation);
    auto peers = peers_from_json(row.text(reader.column));
    auto files = files_from_json(row.text(reader.column + 1));
    auto not_decoded = undecoded_from_json(row.text(reader.column + 2));
    auto calls = calls_from_json(row.text(reader.column + 3));
    if (!peers) return peers.forward("peers of invocation " + invocation.id.str());
    if (!files) return files.forward("files of invocation " + invocation.id.str());
    if (!not_decoded) return not_decoded.forward("what invocation " + invocation.id.str() + " did otherwise");
    if (!calls) return calls.forward("calls of invocation " + invocation.id.str());
    invocation.not_decoded = *std::move(not_decoded);
    invocation.peers = *std::move(peers);
    invocation.files = *std::move(files);
    invocation.calls = *std::move(calls);
    return invocation;
}
}  // namespace

Result<std::vector<Invocation>> select_invocations(sqlite::Database& database, const FunctionRef& function,
                                                   WallTime from) {
    auto select =
        database.prepare("SELECT " + names().columns +
                         " FROM invocations WHERE provider = ? AND function = ? AND wall_start_ns >= ?"
                         " ORDER BY wall_start_ns, rowid");
    if (!select) return select.forward();
    select->bind(function.provider).bind(function.name);
    select->bind(static_cast<std::int64_t>(from.time_since_epoch().count()));
    std::vector<Invocation> found;
    while (true) {
        const auto more = select->step();
        if (!more) return more.forward();
        if (!*more) return found;
        auto invocation = invocation_of(*select);
        if (!invocation) return invocation.forward();
        found.push_back(*std::move(invocation));
    }
}

Status visit_newest(sqlite::Database& database, WallTime from,
                    const std::function<bool(const Invocation&)>& visit) {
    auto select = database.prepare("SELECT " + names().columns +
                                   " FROM invocations WHERE wall_start_ns >= ? ORDER BY wall_start_ns DESC, rowid DESC");
    if (!select) return select.forward();
    select->bind(static_cast<std::int64_t>(from.time_since_epoch().count()));
    while (true) {
        const auto more = select->step();
        if (!more) return more.forward();
        if (!*more) return ok();
        const auto invocation = invocation_of(*select);
        if (!invocation) return invocation.forward();
        if (!visit(*invocation)) return ok();
    }
}

Result<std::uint64_t> count_invocations(sqlite::Database& database, WallTime from, WallTime to) {
    auto select = database.prepare("SELECT COUNT(*) FROM invocations WHERE wall_start_ns BETWEEN ? AND ?");
    if (!select) return select.forward();
    select->bind(static_cast<std::int64_t>(from.time_since_epoch().count())).bind(static_cast<std::int64_t>(to.time_since_epoch().count()));
    const auto row = select->step();
    if (!row) return row.forward();
    return static_cast<std::uint64_t>(select->integer(0));
}

Result<std::vector<FunctionRef>> select_functions(sqlite::Database& database, WallTime from) {
    auto select = database.prepare(
        "SELECT DISTINCT provider, function FROM invocations WHERE wall_start_ns >= ? ORDER BY provider, "
        "function");
    if (!select) return select.forward();
    select->bind(static_cast<std::int64_t>(from.time_since_epoch().count()));
    std::vector<FunctionRef> found;
    while (true) {
        const auto more = select->step();
        if (!more) return more.forward();
        if (!*more) return found;
        found.push_back({.provider = select->text(0), .name = select->text(1)});
    }
}

Status delete_invocations(sqlite::Database& database, WallTime before) {
    auto remove = database.prepare("DELETE FROM invocations WHERE wall_start_ns < ?");
    if (!remove) return remove.forward();
    remove->bind(static_cast<std::int64_t>(before.time_since_epoch().count()));
    return remove->run();
}

}  // namespace autotune
