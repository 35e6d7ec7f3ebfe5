#include "analyzer/owner/owner_topology.hpp"

#include <algorithm>

#include "analyzer/owner/owner_map.hpp"
#include "analyzer/reorder_buffer.hpp"

namespace autotune {

using namespace analysis;

struct OwnerTopology::State {
    explicit State(const OwnerTopologyOptions& o) : options(o), map({.calls = o.calls, .works = o.works}) {}
    OwnerTopologyOptions options;
    OwnerMap map;
    ReorderBuffer held;
    Timestamp first = Timestamp::max(), newest = Timestamp::min();
    std::uint64_t events = 0, late = 0;
};

OwnerTopology::OwnerTopology(OwnerTopologyOptions options) : state_(std::make_unique<State>(options)) {}
OwnerTopology::~OwnerTopology() = default;

void OwnerTopology::ingest(const EventBatch& batch) {
    State& s = *state_;
    s.map.use(batch.tables);
    s.events += batch.events.size();
    for (const Event& event : batch.events) {
        s.newest = std::max(s.newest, event.at);
        s.first = std::min(s.first, event.at);
    }
    s.late += s.held.add(batch.events);
    if (s.newest != Timestamp::min()) s.held.release(s.newest - s.options.hold_back, [&](const Event& e) { s.map.add(e); });
}

OwnerGraph OwnerTopology::finish(const EventBatch& batch, const JoinResolver& resolver) {
    State& s = *state_;
    s.map.use(batch.tables);
    s.held.release(Timestamp::max(), [&](const Event& e) { s.map.add(e); });
    if (s.events == 0) s.first = s.newest = Timestamp();
    OwnerGraph graph = s.map.graph(s.first, s.newest);
    graph.late = s.late;
    resolve_joins(graph, resolver);
    return graph;
}

std::vector<OwnerTopology::Stranger> OwnerTopology::take_strangers() {
    std::vector<Stranger> all;
    for (const OwnerMap::Stranger& one : state_->map.take_strangers()) all.push_back({one.peer, one.caller});
    return all;
}

void OwnerTopology::listening(const Endpoint& address, std::int32_t pid, std::string_view command) {
    state_->map.listening(address, pid, command);
}

std::uint64_t OwnerTopology::events() const { return state_->events; }

}  // namespace autotune
