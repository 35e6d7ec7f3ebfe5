#include "analyzer/analyzer.hpp"

#include <algorithm>
#include <utility>

#include "analyzer/assembler.hpp"
#include "analyzer/history.hpp"
#include "analyzer/impact.hpp"
#include "analyzer/profiles.hpp"
#include "analyzer/reorder_buffer.hpp"
#include "analyzer/service_map.hpp"
#include "analyzer/slow_profile.hpp"
#include "analyzer/trace_links.hpp"
#include "analyzer/window_facts.hpp"

namespace autotune {

using namespace analysis;

namespace {
constexpr Nanos kSweepEvery = std::chrono::seconds(5);
}

// The rooms' furniture: pure parts, wired once. Lives on the heap, so that references between them hold.
struct Analyzer::State {
    explicit State(AnalyzerOptions o)
        : options(std::move(o)),
          history({options.history, options.records_per_function, options.samples_per_function,
                   options.functions}),
          services(options.history),
          assembler(options, counters, history, services) {}

    void take_in(const EventBatch& batch, Instant now);
    void apply(const Event& event, const Tables& tables);

    AnalyzerOptions options;
    AnalyzerCounters counters;
    History history;
    ServiceMap services;
    LeafNames leaves;
    Assembler assembler;
    ReorderBuffer held;
    Timestamp swept = Timestamp::min();
    bool observed = false;  // the platform told of calls
};

void Analyzer::State::apply(const Event& event, const Tables& tables) {
    if (const auto* sample = std::get_if<StackSample>(&event.body)) leaves.learn(sample->stack, tables);
    assembler.apply(event);
}

void Analyzer::State::take_in(const EventBatch& batch, Instant now) {
    counters.events += batch.events.size();
    assembler.begin_batch(batch.tables, now.wall.time_since_epoch() - now.at.time_since_epoch());
    counters.late += held.add(batch.events);
    held.release(now.at - options.hold_back, [&](const Event& e) { apply(e, batch.tables); });
    for (const Event& event : batch.events)
        if (assembler.is_urgent(event))
            held.release_cgroup(event.cgroup, event.at, [&](const Event& e) { apply(e, batch.tables); });
    if (now.at - kSweepEvery < swept) return;
    assembler.sweep(now.at);
    swept = now.at;
}

Analyzer::Analyzer(AnalyzerOptions options) : state_(std::make_unique<State>(std::move(options))) {}
Analyzer::~Analyzer() = default;
Analyzer::Analyzer(Analyzer&&) noexcept = default;
Analyzer& Analyzer::operator=(Analyzer&&) noexcept = default;

void Analyzer::ingest(const EventBatch& batch, Instant now) { state_->take_in(batch, now); }

void Analyzer::observe(const Observations& told, Instant now) {
    state_->observed = true;
    const auto take = [&](const auto& calls) {
        for (const auto& call : calls) {
            const Timestamp at = now.at - std::max(now.wall - call.at, Nanos(0));
            if (FunctionBook* book = state_->history.book(call.function, at)) {
                book->observed.add(call, at);
                book->observed.forget(now.at - state_->options.history);
            } else {
                ++state_->counters.functions_dropped;
            }
        }
    };
    take(told.throttled);
    take(told.answered);
}

void Analyzer::finish(const EventBatch& batch, Instant now) {
    state_->take_in(batch, now);
    state_->held.release(Timestamp::max(), [&](const Event& e) { state_->apply(e, batch.tables); });
    state_->assembler.sweep(now.at);
}

std::vector<Invocation> Analyzer::take_finished() {
    std::vector<Invocation> taken = std::exchange(state_->assembler.finished(), {});
    std::stable_sort(taken.begin(), taken.end(), [](const auto& a, const auto& b) { return a.end < b.end; });
    return taken;
}

std::vector<FunctionRef> Analyzer::functions(Timestamp now) const {
    std::vector<FunctionRef> all;
    for (const auto& [function, book] : state_->history.books())
        if (book.last_seen >= now - state_->options.history) all.push_back(function);
    return all;
}

std::vector<FunctionFacts> Analyzer::facts(Nanos window, Timestamp now) const {
    window = std::min(window, state_->options.history);
    std::vector<FunctionFacts> all;
    for (const auto& [function, book] : state_->history.books()) {
        if (book.last_seen < now - state_->options.history) continue;
        FunctionFacts facts = window_facts(book, now - window, now);
        if (state_->observed) book.observed.tell(facts, now - window, now);
        HottestFrame hottest = hottest_frame(book, state_->leaves, now - window, now);
        facts.hottest_frame = std::move(hottest.name);
        facts.hottest_share = hottest.share;
        all.push_back(std::move(facts));
    }
    return all;
}

Impact Analyzer::impact(const FunctionRef& function, Nanos window, Timestamp now, Nanos slow_over) const {
    const auto book = state_->history.books().find(function);
    if (book == state_->history.books().end()) return {};
    return impact_of(book->second, now - std::min(window, state_->options.history), now, slow_over);
}

ServiceGraph Analyzer::graph(Nanos window, Timestamp now) const {
    const Timestamp from = now - std::min(window, state_->options.history);
    std::vector<NamedEdge> edges = state_->services.edges(from, now);
    std::vector<TracedCall> calls;
    std::vector<const FunctionRef*> functions;
    for (const auto& [function, book] : state_->history.books()) {
        functions.push_back(&function);
        for (const Record& r : book.records)
            if (r.trace != 0 && r.end >= from && r.end <= now)
                calls.push_back({r.trace, r.start, r.end, functions.size() - 1});
    }
    for (const auto& [caller, callee] : trace_links(std::move(calls)))
        edges.push_back({{functions[caller]->name, NodeKind::function},
                         {functions[callee]->name, NodeKind::function},
                         {.calls = 1, .by_trace = 1}});
    return make_graph(edges);
}

Profile Analyzer::profile(const ProfileQuery& query, const Tables& tables) const {
    for (const auto& [function, book] : state_->history.books())
        if (function.name == query.function)
            return query.part == ProfilePart::slow_against_median ? slow_against_median(book, query, tables)
                                                                  : build_profile(book, query, tables);
    return {};
}

const AnalyzerCounters& Analyzer::counters() const { return state_->counters; }

}  // namespace autotune
