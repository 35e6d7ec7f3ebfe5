// OwnerMap, the part that makes its graph.
#include <algorithm>
#include <set>
#include <tuple>

#include "analyzer/owner/owner_map.hpp"

namespace autotune::analysis {

OwnerGraph OwnerMap::graph(Timestamp from, Timestamp to, BookedConnection::Which turns) {
    connections_.each([&](std::int32_t pid, BookedConnection& connection) {
        if (connection.role == EndRole::client) tell_turns(pid, connection, turns);
    });
    OwnerGraph graph{.from = from, .to = to, .calls_not_kept = calls_not_kept_, .works_not_kept = works_not_kept_,
                     .undecided = undecided_, .lost = lost_};
    const auto service = [&](const Target& target) -> ServiceNode {
        if (const OwnerId owner = found_later(target); owner != kNobody) return service_of(owner);
        if (target.path != StringId{}) return {std::string(text(target.path)), NodeKind::external};
        const std::string_view name = names_.find(target.peer);
        if (name.empty()) return {to_string(target.peer), NodeKind::external};
        return {std::string(name) + ":" + std::to_string(target.peer.port), NodeKind::external};
    };
    const auto in_time = [&](const auto& span) { return span.end >= from && span.start <= to; };
    const auto minute = [](Timestamp t) {
        return std::chrono::floor<std::chrono::minutes>(t).time_since_epoch().count();
    };
    const auto edge_in_time = [&](const EdgeKey& key) { return key.minute >= minute(from) && key.minute <= minute(to); };

    std::vector<Work> works;
    std::ranges::copy_if(works_, std::back_inserter(works), in_time);
    for (const auto& [pid, open] : open_)
        for (Work work : open) {
            work.end = std::max(to, work.start);
            if (in_time(work)) works.push_back(std::move(work));
        }
    std::ranges::stable_sort(works, [](const Work& a, const Work& b) {
        return std::tie(a.start, a.process, a.id) < std::tie(b.start, b.process, b.id);
    });
    std::vector<Call> calls;
    std::ranges::copy_if(calls_, std::back_inserter(calls), in_time);
    std::ranges::stable_sort(calls, [](const Call& a, const Call& b) { return a.start < b.start; });

    // Nodes: all that are at an end of anything.
    std::map<ServiceNode, OwnerNode> nodes;
    const auto add_owner = [&](OwnerId id) {
        const Owner& owner = owners_[id];
        OwnerNode& node = nodes[service_of(id)];
        node.pids.insert(node.pids.end(), owner.pids.begin(), owner.pids.end());
        node.cgroups.insert(node.cgroups.end(), owner.cgroups.begin(), owner.cgroups.end());
        node.processes += owner.processes;
    };
    std::set<OwnerId> used;
    for (const Work& work : works) used.insert(work.owner);
    for (const auto& [key, sum] : edges_) {
        if (!edge_in_time(key)) continue;
        used.insert(key.from);
        if (const OwnerId owner = found_later(key.to); owner != kNobody)
            used.insert(owner);
        else
            nodes[service(key.to)];
    }
    for (const Call& call : calls) {
        used.insert(call.from);
        if (const OwnerId owner = found_later(call.to); owner != kNobody)
            used.insert(owner);
        else
            nodes[service(call.to)];
    }
    for (const OwnerId id : used) add_owner(id);
    std::map<ServiceNode, std::size_t> index;
    for (auto& [name, node] : nodes) {
        const auto tidy = [](auto& list) {
            std::ranges::sort(list);
            list.erase(std::unique(list.begin(), list.end()), list.end());
        };
        tidy(node.pids), tidy(node.cgroups);
        node.service = name;
        index[name] = graph.nodes.size();
        graph.nodes.push_back(std::move(node));
    }

    struct Sum {
        EdgeSum of;
        bool by_path = true;
    };
    std::map<std::pair<std::size_t, std::size_t>, Sum> sums;
    for (const auto& [key, sum] : edges_) {
        if (!edge_in_time(key)) continue;
        Sum& all = sums[{index[service_of(key.from)], index[service(key.to)]}];
        all.of.errors += sum.errors, all.of.retries += sum.retries;
        all.of.sent += sum.sent, all.of.received += sum.received;
        all.of.times.merge(sum.times);
        all.by_path &= key.by_path;
    }
    for (const auto& [ends, sum] : sums)
        graph.edges.push_back({.from = ends.first, .to = ends.second, .calls = sum.of.times.count(),
                               .errors = sum.of.errors, .retries = sum.of.retries, .bytes_sent = sum.of.sent,
                               .bytes_received = sum.of.received, .total = sum.of.times.sum(),
                               .p50 = sum.of.times.percentile(0.5), .p95 = sum.of.times.percentile(0.95),
                               .p99 = sum.of.times.percentile(0.99), .slowest = sum.of.times.largest(),
                               .by_path = sum.by_path});

    std::vector<WorkClue> work_clues;
    for (const Work& work : works) {
        const std::size_t node = index[service_of(work.owner)];
        std::string what(text(work.method));
        if (!what.empty()) what += " " + std::string(text(work.path));
        graph.works.push_back({.id = work.id, .node = node, .start = work.start, .end = work.end, .open = work.open,
                               .error = work.error, .what = std::move(what), .process = work.process,
                               .thread = work.thread, .cgroup = work.cgroup});
        work_clues.push_back({.trace = work.trace, .one_at_a_time = work.one_at_a_time, .answered_by = work.answered_by,
                              .local = work.local, .peer = work.peer,
                              .serves = owners_[work.owner].kind == NodeKind::function ? node : kNone});
    }
    std::vector<CallClue> call_clues;
    for (const Call& call : calls) {
        const std::size_t callee = index[service(call.to)];
        graph.calls.push_back({.from = index[service_of(call.from)], .to = callee, .start = call.start, .end = call.end,
                               .method = std::string(text(call.method)), .path = std::string(text(call.path)),
                               .status = call.status, .error = call.error, .retry = call.retry, .bytes_sent = call.sent,
                               .bytes_received = call.received, .process = call.process, .thread = call.thread,
                               .cgroup = call.cgroup});
        call_clues.push_back({.server = call.server, .trace = call.trace, .local = call.local, .peer = call.peer,
                              .invokes = call.by_path ? callee : kNone, .is_event = call.is_event});
    }
    join_calls(graph, work_clues, call_clues);
    return graph;
}

}  // namespace autotune::analysis
