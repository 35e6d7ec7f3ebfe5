#include "analyzer/window_facts.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <queue>
#include <utility>
#include <vector>

#include "analyzer/percentile.hpp"

namespace autotune::analysis {

namespace {

constexpr double kMiB = 1024.0 * 1024.0;
constexpr Nanos kDisorder = std::chrono::seconds(1);  // how far records can be out of order, and more

using Records = std::vector<const Record*>;

Records records_in(const FunctionBook& book, Timestamp from, Timestamp to) {
    Records found;
    for (auto r = book.records.rbegin(); r != book.records.rend() && r->end >= from - kDisorder; ++r)
        if (r->end >= from && r->end <= to) found.push_back(&*r);
    return found;  // newest first
}

// What is told one by one is the rule, and then there is no need to sort.
struct Values {
    std::vector<Nanos> plain;
    std::vector<Weighted<Nanos>> weighted;  // the same, when some stand for several
};

template <class Get>
Values values_of(const Records& records, Get&& get) {
    Values values;
    values.plain.reserve(records.size());
    const bool is_weighted = std::ranges::any_of(records, [](const Record* r) { return r->stands_for > 1; });
    for (const Record* r : records) {
        const std::optional<Nanos> value = get(*r);
        if (!value) continue;
        if (is_weighted)
            values.weighted.push_back({*value, r->stands_for});
        else
            values.plain.push_back(*value);
    }
    return values;
}

// The newest among the most frequent.
std::string main_version(const Records& records) {
    std::map<std::string_view, std::size_t> counts;
    for (const Record* r : records) ++counts[r->version];
    std::string_view best;
    std::size_t most = 0;
    for (const Record* r : records)
        if (counts[r->version] > most) most = counts[r->version], best = r->version;
    return std::string(best);
}

void set_percentile(FactSet& facts, Fact fact, Values& values, double q) {
    const auto value = values.weighted.empty() ? percentile<Nanos>(std::span(values.plain), q)
                                               : percentile(std::span(values.weighted), q);
    if (value) facts.set(fact, *value);
}

void set_share(FactSet& facts, Fact fact, double part, double whole) {
    if (whole > 0) facts.set(fact, part / whole);
}

// Most of them under way when one came that had to wait for a sandbox: so many kept ready, and none had waited. One that
// stands for others does so here, too.
std::optional<std::int64_t> cold_concurrency(const Records& records) {
    struct Stay {
        Timestamp came;
        const Record* record;
    };
    std::vector<Stay> stays;
    for (const Record* r : records) stays.push_back({r->start - (r->cold ? r->init : Nanos(0)), r});
    std::sort(stays.begin(), stays.end(), [](const Stay& a, const Stay& b) { return a.came < b.came; });
    using End = std::pair<Timestamp, std::int64_t>;
    std::priority_queue<End, std::vector<End>, std::greater<>> ends;
    std::int64_t under_way = 0, most = 0;
    for (const Stay& s : stays) {
        for (; !ends.empty() && ends.top().first <= s.came; ends.pop()) under_way -= ends.top().second;
        under_way += s.record->stands_for;
        ends.emplace(s.record->end, s.record->stands_for);
        if (s.record->cold) most = std::max(most, under_way);
    }
    return most > 0 ? std::optional(most) : std::nullopt;
}

void set_counts(FunctionFacts& out, const Records& records) {
    std::int64_t all = 0, errors = 0, timeouts = 0, ooms = 0, crashes = 0, cold = 0;
    for (const Record* r : records) {
        all += r->stands_for;  // 1 for what failed and for the first of a sandbox
        errors += failed(r->status);
        timeouts += r->status == InvocationStatus::timeout;
        ooms += r->status == InvocationStatus::out_of_memory;
        crashes += r->status == InvocationStatus::crash;
        cold += r->cold;
        if (r->status == InvocationStatus::out_of_memory)
            out.last_oom = std::max(out.last_oom, std::optional(r->end));
        if (r->status == InvocationStatus::timeout)
            out.last_timeout = std::max(out.last_timeout, std::optional(r->end));
    }
    FactSet& fn = out.fn;
    fn.set(Fact::fn_invocations, all);
    fn.set(Fact::fn_errors, errors);
    fn.set(Fact::fn_timeouts, timeouts);
    fn.set(Fact::fn_oom_count, ooms);
    fn.set(Fact::fn_crashes, crashes);
    fn.set(Fact::fn_cold_starts, cold);
    if (cold > 0)
        if (const auto most = cold_concurrency(records)) fn.set(Fact::fn_cold_concurrency, *most);
    const auto share = [&](Fact fact, auto part) { set_share(fn, fact, static_cast<double>(part), static_cast<double>(all)); };
    share(Fact::fn_error_rate, errors);
    share(Fact::fn_timeout_rate, timeouts);
    share(Fact::fn_cold_start_share, cold);
    share(Fact::fn_told_share, records.size());
}

void set_times(FactSet& fn, const Records& records) {
    auto durations = values_of(records, [](const Record& r) { return std::optional(r.duration()); });
    set_percentile(fn, Fact::fn_p50, durations, 0.50);
    set_percentile(fn, Fact::fn_p95, durations, 0.95);
    set_percentile(fn, Fact::fn_p99, durations, 0.99);
    set_percentile(fn, Fact::fn_max_duration, durations, 1.0);
    auto inits = values_of(records, [](const Record& r) {
        return r.cold && r.init.count() > 0 ? std::optional(r.init) : std::nullopt;
    });
    set_percentile(fn, Fact::fn_init_p95, inits, 0.95);
    auto cpu = values_of(
        records, [](const Record& r) { return r.cpu_known() ? std::optional(r.cpu) : std::nullopt; });
    set_percentile(fn, Fact::fn_cpu_p99, cpu, 0.99);
    for (const Record* r : records)
        if (r->time_limit.count() > 0) {
            fn.set(Fact::fn_timeout, configured_limit(r->time_limit));
            break;
        }
}

void set_shares(FactSet& fn, const Records& records) {
    Nanos measured{0}, cpu{0}, wanted{0}, all{0}, waited{0};
    for (const Record* r : records) {
        const std::int64_t times = r->stands_for;
        all += times * r->duration();
        waited += times * std::min(r->duration(), r->network_wait + r->disk_wait);
        if (!r->cpu_known()) continue;
        measured += times * r->duration();
        cpu += times * r->cpu;
        wanted += times * std::min(r->duration(), r->cpu + r->runnable);  // several threads: at most the whole
    }
    set_share(fn, Fact::fn_cpu_share, to_seconds(cpu), to_seconds(measured));
    set_share(fn, Fact::fn_oncpu_share, to_seconds(wanted), to_seconds(measured));
    set_share(fn, Fact::fn_io_wait_share, to_seconds(waited), to_seconds(all));
}

void set_memory(FactSet& fn, const Records& records, const std::string& version) {
    std::uint64_t exact = 0, bound = 0;
    std::uint32_t size = 0;
    for (const Record* r : records) {
        std::uint64_t& highest = r->memory_peak_is_bound ? bound : exact;
        highest = std::max(highest, r->memory_peak);
        if (size == 0 && r->version == version) size = r->memory_mb;
    }
    // A bound is the sandbox's own watermark: too high for the invocation, but it was reached.
    const std::uint64_t peak = exact != 0 ? exact : bound;
    if (size != 0) fn.set(Fact::fn_memory_mb, std::int64_t{size});
    if (peak == 0) return;
    fn.set(Fact::fn_peak_memory_mb, static_cast<double>(peak) / kMiB);
    if (size != 0) fn.set(Fact::fn_memory_use, static_cast<double>(peak) / kMiB / size);
}

FactSet dependency_facts(const DependencyTotals& d) {
    FactSet facts;
    facts.set(Fact::dep_name, d.name);
    facts.set(Fact::dep_calls, static_cast<std::int64_t>(d.calls));
    facts.set(Fact::dep_errors, static_cast<std::int64_t>(d.errors));
    facts.set(Fact::dep_bytes_sent, static_cast<std::int64_t>(d.bytes_sent));
    facts.set(Fact::dep_bytes_received, static_cast<std::int64_t>(d.bytes_received));
    if (d.calls != 0) {
        const double rate = static_cast<double>(d.errors) / static_cast<double>(d.calls);
        facts.set(Fact::dep_error_rate, std::min(1.0, rate));
        facts.set(Fact::dep_mean_wait, d.wait / static_cast<std::int64_t>(d.calls));
    }
    return facts;
}

void set_dependencies(FunctionFacts& out, const Records& records) {
    std::map<std::string_view, DependencyTotals> sums;
    std::uint64_t sent = 0, received = 0;
    for (const Record* r : records)
        for (const DependencyTotals& d : r->dependencies) {
            DependencyTotals& sum = sums[d.name];
            sum.name = d.name;
            const std::uint64_t times = r->stands_for;
            sum.calls += times * d.calls;
            sum.errors += times * d.errors;
            sum.bytes_sent += times * d.bytes_sent;
            sum.bytes_received += times * d.bytes_received;
            sum.wait += static_cast<std::int64_t>(times) * d.wait;
            sent += times * d.bytes_sent;
            received += times * d.bytes_received;
        }
    std::int64_t failing = 0;
    for (const auto& [name, sum] : sums) {
        failing += sum.errors > 0;
        out.deps.push_back(dependency_facts(sum));
    }
    out.fn.set(Fact::fn_bytes_sent, static_cast<std::int64_t>(sent));
    out.fn.set(Fact::fn_bytes_received, static_cast<std::int64_t>(received));
    out.fn.set(Fact::fn_failed_deps, failing);
}

std::optional<double> change_of(const FunctionBook& book, Timestamp since, double q) {
    constexpr std::size_t kLeast = 10;
    std::vector<Nanos> before, after;
    for (const Record& r : book.records)
        if (!failed(r.status) && r.status != InvocationStatus::unknown)
            (r.end < since ? before : after).push_back(r.duration());
    if (before.size() < kLeast || after.size() < kLeast) return std::nullopt;
    const auto was = percentile<Nanos>(std::span(before), q), is = percentile<Nanos>(std::span(after), q);
    if (!was || !is || was->count() <= 0) return std::nullopt;
    return to_seconds(*is) / to_seconds(*was) - 1;
}

void set_changes(FactSet& fn, const FunctionBook& book, Timestamp from, Timestamp to) {
    for (const Fact fact : kChangeFacts) {
        const ChangeDetector& detector = book.changes.of(fact);
        const bool changed = detector.last() && detector.last()->told >= from && detector.last()->told <= to;
        if (changed || detector.learned() >= ChangeDetector::kLearned) fn.set(fact, changed);
        if (!changed) continue;
        const auto set = [&](Fact of, Fact as, double q) {
            if (fact != of) return;
            if (const auto change = change_of(book, detector.last()->since, q)) fn.set(as, *change);
        };
        set(Fact::fn_p50_changed, Fact::fn_p50_change, 0.50);
        set(Fact::fn_p95_changed, Fact::fn_p95_change, 0.95);
        set(Fact::fn_p99_changed, Fact::fn_p99_change, 0.99);
    }
}

}  // namespace

Nanos configured_limit(Nanos seen) {
    const Nanos whole = std::chrono::ceil<std::chrono::seconds>(seen);
    return whole - seen <= std::chrono::milliseconds(50) ? whole : seen;
}

FunctionFacts window_facts(const FunctionBook& book, Timestamp from, Timestamp to) {
    FunctionFacts out;
    out.function = book.function;
    out.from = from;
    out.to = to;
    const Records records = records_in(book, from, to);
    out.fn.set(Fact::fn_name, book.function.name);
    set_counts(out, records);
    set_times(out.fn, records);
    set_shares(out.fn, records);
    const std::string version = main_version(records);
    if (!records.empty()) out.fn.set(Fact::fn_version, version);
    set_memory(out.fn, records, version);
    set_dependencies(out, records);
    set_changes(out.fn, book, from, to);
    std::int64_t lost = 0;
    for (const Loss& loss : book.losses)
        if (loss.at >= from && loss.at <= to) lost += static_cast<std::int64_t>(loss.count);
    out.fn.set(Fact::fn_events_lost, lost);
    return out;
}

}  // namespace autotune::analysis
