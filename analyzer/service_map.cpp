#include "analyzer/service_map.hpp"

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

namespace autotune::analysis {

namespace {

constexpr std::size_t kMostConnections = 65'536;
constexpr std::size_t kMostServices = 16'384;
constexpr std::size_t kMostFlows = 100'000;

std::int64_t minute_of(Timestamp t) {
    return std::chrono::floor<std::chrono::minutes>(t).time_since_epoch().count();
}

}  // namespace

void ServiceMap::socket(const SocketEnds& ends, const ServiceNode& owner) {
    // Forgetting all at once is crude and rare; what still talks on a forgotten connection keeps the
    // name that it has in its totals.
    if (owners_.size() >= kMostConnections) owners_.clear();
    if (services_.size() >= kMostServices) services_.clear();
    owners_.insert_or_assign({ends.local, ends.peer}, owner);
    if (ends.role != SocketRole::server) return;
    const auto [service, is_new] = services_.try_emplace(ends.local, owner);
    if (!is_new && service->second != owner) service->second.name.clear();
}

const ServiceNode* ServiceMap::owner_of_peer(const Endpoint& local, const Endpoint& peer) const {
    if (const auto found = owners_.find({peer, local}); found != owners_.end()) return &found->second;
    const auto service = services_.find(peer);
    return service != services_.end() && !service->second.name.empty() ? &service->second : nullptr;
}

void ServiceMap::traffic(Timestamp at, const ServiceNode& from, const PeerTotals& peer,
                         std::string_view path) {
    Flow flow{minute_of(at), from, {}, peer.io.peer, std::string(path)};
    // Ephemeral ports would make each connection a flow of its own; they are kept where they tell something.
    if (services_.find(peer.io.peer) == services_.end() && owners_.contains({peer.io.peer, peer.local}))
        flow.local = peer.local;
    ServiceEdge& sum = flows_[std::move(flow)];
    sum.calls += peer.io.calls + peer.io.failed_connects;
    sum.failures += peer.io.failures;
    sum.bytes_sent += peer.io.bytes_sent;
    sum.bytes_received += peer.io.bytes_received;
    sum.wait += peer.io.wait;
    const auto oldest = minute_of(at - history_);
    while (flows_.size() > kMostFlows || flows_.begin()->first.minute < oldest) flows_.erase(flows_.begin());
}

ServiceNode ServiceMap::other_end(const Flow& flow) const {
    if (!flow.path.empty()) return {flow.path, NodeKind::external};
    if (const ServiceNode* owner = owner_of_peer(flow.local, flow.peer)) return *owner;
    const std::string_view name = host_names_.find(flow.peer);
    if (name.empty()) return {to_string(flow.peer), NodeKind::external};
    return {std::string(name) + ":" + std::to_string(flow.peer.port), NodeKind::external};
}

std::vector<NamedEdge> ServiceMap::edges(Timestamp from, Timestamp to) const {
    std::vector<NamedEdge> found;
    for (const auto& [flow, sum] : flows_)
        if (flow.minute >= minute_of(from) && flow.minute <= minute_of(to))
            found.push_back({flow.from, other_end(flow), sum});
    return found;
}

ServiceGraph make_graph(const std::vector<NamedEdge>& edges) {
    std::set<ServiceNode> nodes;
    for (const NamedEdge& edge : edges) nodes.insert(edge.from), nodes.insert(edge.to);
    ServiceGraph graph{{nodes.begin(), nodes.end()}, {}};
    const auto index = [&](const ServiceNode& node) {
        return static_cast<std::size_t>(std::lower_bound(graph.nodes.begin(), graph.nodes.end(), node) -
                                        graph.nodes.begin());
    };
    std::map<std::pair<std::size_t, std::size_t>, ServiceEdge> sums;
    for (const NamedEdge& edge : edges) {
        const std::pair key{index(edge.from), index(edge.to)};
        ServiceEdge& sum = sums[key];
        std::tie(sum.from, sum.to) = key;
        sum.calls += edge.totals.calls;
        sum.by_trace += edge.totals.by_trace;
        sum.failures += edge.totals.failures;
        sum.bytes_sent += edge.totals.bytes_sent;
        sum.bytes_received += edge.totals.bytes_received;
        sum.wait += edge.totals.wait;
    }
    for (const auto& [key, edge] : sums) graph.edges.push_back(edge);
    return graph;
}

}  // namespace autotune::analysis
