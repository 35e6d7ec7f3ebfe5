#include "cli/cost_measured.hpp"

#include <algorithm>
#include <utility>

#include "analyzer/cost/cost_meter.hpp"
#include "cli/state_folder.hpp"
#include "cli/topology_state.hpp"
#include "knowledge/sqlite_store.hpp"

namespace autotune::cli {

namespace {

constexpr Nanos kStale = std::chrono::minutes(10);

Result<OwnerGraph> edges(const std::filesystem::path& state) {
    auto graph = edges_on_record(state);
    if (!graph && graph.error().code == Errc::not_found) return OwnerGraph();
    return graph;
}

struct Time {
    WallTime from, to;
};

template <class Use>
Status each_record(SqliteStore& store, WallTime from, const Use& use) {
    const auto functions = store.functions_since(from);
    if (!functions) return functions.forward();
    for (const FunctionRef& function : *functions) {
        const auto invocations = store.invocations_since(function, from);
        if (!invocations) return invocations.forward();
        for (const Invocation& invocation : *invocations) use(invocation);
    }
    return ok();
}

// From when the first began to when the last ended; nullopt: there are none.
Result<std::optional<Time>> span_of(SqliteStore& store) {
    std::optional<Time> span;
    const Status read = each_record(store, WallTime(), [&](const Invocation& i) {
        const WallTime end = i.wall_start + std::max(i.duration, Nanos(0));
        span = span ? Time{std::min(span->from, i.wall_start), std::max(span->to, end)} : Time{i.wall_start, end};
    });
    if (!read) return read.forward();
    return span;
}

// Records tell from when to when something was invoked, edges from when to when somebody watched.
Time time_of(std::optional<Nanos> window, const OwnerGraph& graph, Time records) {
    if (graph.wall_to) {
        const WallTime began = *graph.wall_to - (graph.to - graph.from);
        if (!window) return {began, *graph.wall_to};
        records = {std::min(records.from, began), std::max(records.to, *graph.wall_to)};
    }
    return {window ? std::max(records.from, records.to - *window) : records.from, records.to};
}

}  // namespace

Result<MeasuredCost> measured_cost(const std::filesystem::path& state, std::optional<Nanos> window,
                                   const std::vector<Tariff>& tariffs) {
    const std::filesystem::path file = store_file(state);
    auto store = SqliteStore::open_read_only(file);
    if (!store) return store.forward();
    auto graph = edges(state);
    if (!graph) return graph.forward();
    const auto span = span_of(**store);
    if (!span) return span.forward(file.string());
    if (!*span) return fail(Errc::not_found, file.string() + " has no invocations on record");
    const Time records = **span;
    const Time time = time_of(window, *graph, records);
    if (time.from >= time.to) return fail(Errc::not_found, file.string() + " holds too short a time to make a model of");
    analysis::CostMeter meter({.from = time.from, .to = time.to}, tariffs, *graph);
    if (const Status s = each_record(**store, time.from, [&](const Invocation& i) { meter.add(i); }); !s)
        return s.forward(file.string());
    auto cost = meter.finish();
    if (!cost) return cost.forward(file.string());
    if (records.to > time.to + kStale)
        cost->remarks.push_back("who calls whom was last written down at " + to_rfc3339(time.to) +
                                "; what was invoked since is not counted (--window counts it)");
    if (!graph->wall_to)
        cost->remarks.push_back("when the watching began is not on record: the time is that from the first invocation to the last");
    return cost;
}

}  // namespace autotune::cli
