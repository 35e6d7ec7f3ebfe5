#include "analyzer/owner/owner_topology.hpp"

#include <algorithm>
#include <iterator>

#include "analyzer/owner/owner_map.hpp"
#include "analyzer/reorder_buffer.hpp"

namespace autotune {

using namespace analysis;

struct OwnerTopology::State {
    explicit State(const OwnerTopologyOptions& o) : options(o), map({.calls = o.calls, .works = o.works, .history = o.history}) {}
    OwnerTopologyOptions options;
    OwnerMap map;
    ReorderBuffer held;
    std::vector<Event> fresh;  // of a batch what matters
    bool has_tables = false;
    Timestamp first = Timestamp::max(), newest = Timestamp::min();
    std::uint64_t events = 0, late = 0;
};

namespace {

template <class... Bodies>
bool is_one_of(const Event& event) {
    return (std::holds_alternative<Bodies>(event.body) || ...);
}

// After that long no event is on its way to ingest() any more, read by turns of some tenths of a second.
constexpr Nanos kOnTheirWay = std::chrono::seconds(1);

// Samples, waits, files and calls of functions are most of what a busy machine tells.
bool matters(const Event& event) {
    if (const auto* io = std::get_if<IoDone>(&event.body)) return io->op <= IoOp::receive || io->op == IoOp::close_file;
    return is_one_of<ProcessStarted, ProcessExited, ExecutorSeen, ExecutorReady, InvocationStarted, InvocationEnded, HttpDone,
                     NameResolved, Lost>(event);
}

}  // namespace

OwnerTopology::OwnerTopology(OwnerTopologyOptions options) : state_(std::make_unique<State>(options)) {}
OwnerTopology::~OwnerTopology() = default;

void OwnerTopology::ingest(const EventBatch& batch) {
    State& s = *state_;
    s.map.use(batch.tables);
    s.has_tables = true;
    s.events += batch.events.size();
    for (const Event& event : batch.events) {
        s.newest = std::max(s.newest, event.at);
        s.first = std::min(s.first, event.at);
    }
    s.fresh.clear();
    std::ranges::copy_if(batch.events, std::back_inserter(s.fresh), matters);
    s.late += s.held.add(s.fresh);
    if (s.newest != Timestamp::min()) s.held.release(s.newest - s.options.hold_back, [&](const Event& e) { s.map.add(e); });
}

OwnerGraph OwnerTopology::finish(const EventBatch& batch, const JoinResolver& resolver) {
    State& s = *state_;
    s.map.use(batch.tables);
    s.held.release(Timestamp::max(), [&](const Event& e) { s.map.add(e); });
    if (s.events == 0) s.first = s.newest = Timestamp();
    OwnerGraph graph = s.map.graph(s.first, s.newest, BookedConnection::Which::all);
    graph.late = s.late;
    resolve_joins(graph, resolver);
    return graph;
}

void OwnerTopology::settle() {
    state_->held.release(state_->newest, [&](const Event& e) { state_->map.add(e); });
}

OwnerGraph OwnerTopology::so_far(Timestamp now, Nanos window, const JoinResolver& resolver) {
    State& s = *state_;
    if (!s.has_tables || s.events == 0) return {};
    // By the clock: where nothing happens any more, no event says that the last ones are old enough.
    s.held.release(now - std::max(s.options.hold_back, kOnTheirWay), [&](const Event& e) { s.map.add(e); });
    const Timestamp to = std::max(s.newest, now);
    // Edges are summed by the minute: from the start of one, so that counts and rates are of just what is told.
    const Timestamp since = std::chrono::floor<std::chrono::minutes>(to - window);
    OwnerGraph graph = s.map.graph(std::max(s.first, since), to, BookedConnection::Which::certain);
    graph.late = s.late;
    resolve_joins(graph, resolver);
    return graph;
}

std::vector<OwnerTopology::Stranger> OwnerTopology::take_strangers(std::size_t most) {
    std::vector<Stranger> all;
    for (const OwnerMap::Stranger& one : state_->map.take_strangers(most)) all.push_back({one.peer, one.caller});
    return all;
}

void OwnerTopology::listening(const Endpoint& address, std::int32_t pid, std::string_view command) {
    state_->map.listening(address, pid, command);
}

std::uint64_t OwnerTopology::events() const { return state_->events; }

}  // namespace autotune
