#include "analyzer/trace/trace_builder.hpp"

#include <algorithm>
#include <utility>
#include <variant>

#include "analyzer/analyzer.hpp"
#include "analyzer/reorder_buffer.hpp"
#include "analyzer/trace/functions.hpp"
#include "analyzer/trace/sums.hpp"
#include "analyzer/trace/trees.hpp"

namespace autotune {

using namespace analysis;

struct TraceBuilder::State {
    explicit State(TraceOptions o)
        : options(std::move(o)),
          trees(options, functions, sums),
          analyzer(
              {.provider = options.provider, .hold_back = options.hold_back, .samples_per_function = 1}) {}

    void add(const Event& event) {
        sums.add(event);
        trees.add(event);
        if (const auto* totals = std::get_if<CallTotals>(&event.body)) functions.add(event.by, *totals);
    }
    [[nodiscard]] Instant instant() const {
        return {newest, WallTime(newest.time_since_epoch() + options.wall_offset)};
    }
    void see(const Event& event) {
        ++trace.events;
        ++trace.by_backend[std::min<std::size_t>(static_cast<std::size_t>(event.by),
                                                 trace.by_backend.size() - 1)];
        if (std::holds_alternative<Lost>(event.body)) return;  // `at` is when it was noticed
        newest = std::max(newest, event.at);
        oldest = trace.events == 1 ? event.at : std::min(oldest, event.at);
    }
    void keep_records() {
        for (Invocation& record : analyzer.take_finished()) {
            if (records.size() < options.invocations + 1'000) records.push_back(std::move(record));
        }
    }

    TraceOptions options;
    Functions functions;
    Sums sums;
    Trees trees;
    Analyzer analyzer;
    ReorderBuffer held;
    std::vector<Invocation> records;
    Timestamp newest, oldest = Timestamp::max();
    std::uint64_t lost = 0;
    Trace trace;
};

TraceBuilder::TraceBuilder(TraceOptions options) : state_(std::make_unique<State>(std::move(options))) {}
TraceBuilder::~TraceBuilder() = default;
TraceBuilder::TraceBuilder(TraceBuilder&&) noexcept = default;
TraceBuilder& TraceBuilder::operator=(TraceBuilder&&) noexcept = default;

void TraceBuilder::ingest(const EventBatch& batch) {
    State& s = *state_;
    s.trees.learn(batch.tables);
    for (const Event& event : batch.events) {
        s.see(event);
        if (const auto* lost = std::get_if<Lost>(&event.body)) s.lost += lost->count;
    }
    s.trace.late += s.held.add(batch.events);
    s.held.release(s.newest - s.options.hold_back, [&](const Event& event) { s.add(event); });
    s.analyzer.ingest(batch, s.instant());
    s.keep_records();
}

Trace TraceBuilder::finish(EventBatch& batch) {
    State& s = *state_;
    s.trees.learn(batch.tables);
    s.held.release(Timestamp::max(), [&](const Event& event) { s.add(event); });
    batch.events.clear();
    s.analyzer.finish(batch, s.instant());
    s.keep_records();
    s.trees.close();
    s.trace.from = s.oldest == Timestamp::max() ? Timestamp() : s.oldest;
    s.trace.to = std::max(s.newest, s.trace.from);
    s.sums.fill(s.trace);
    s.trace.functions = s.functions.sorted();
    s.trace.calls = s.functions.calls();
    s.trees.fill(s.trace, s.records, batch.tables);
    return std::move(s.trace);
}

TraceBuilder::Progress TraceBuilder::progress() const {
    return {.events = state_->trace.events,
            .calls = state_->trees.calls(),
            .invocations = state_->analyzer.counters().invocations,
            .lost = state_->lost};
}

}  // namespace autotune
