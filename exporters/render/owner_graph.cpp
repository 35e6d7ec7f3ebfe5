#include "exporters/render/owner_graph.hpp"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>
#include <vector>

#include "exporters/render/graph_text.hpp"
#include "exporters/render/node_kind.hpp"
#include "exporters/render/text.hpp"

namespace autotune::render {

namespace {

using Json = nlohmann::ordered_json;

std::string duration(Nanos ns) { return human_duration(to_seconds(ns)); }

double rate(const OwnerGraph& graph, std::uint64_t count) {
    const double seconds = to_seconds(graph.to - graph.from);
    return seconds > 0 ? static_cast<double>(count) / seconds : 0;
}

std::string decimal(double value) {
    char text[40];
    std::snprintf(text, sizeof text, value < 10 ? "%.2f" : "%.0f", value);
    return text;
}

std::string counted(std::uint64_t count, const std::string& what, const std::string& ending = "s") {
    return std::to_string(count) + " " + what + (count == 1 ? "" : ending);
}

const std::string& name_of(const OwnerGraph& graph, std::size_t node) { return graph.nodes[node].service.name; }

// What of all this is not certain or not there.
std::string caveats(const OwnerGraph& graph) {
    std::string out;
    std::size_t by_pattern = 0;
    double confidence = 0;
    for (const OwnerCall& call : graph.calls)
        if (call.by == JoinBy::pattern) ++by_pattern, confidence += call.confidence;
    if (by_pattern > 0)
        out += counted(by_pattern, "call") + " given to a work by pattern only, with a mean confidence of " +
               decimal(confidence / static_cast<double>(by_pattern)) + "\n";
    if (graph.ambiguous > 0)
        out += counted(graph.ambiguous, "call") + " could be of any of several works: marked ambiguous, given to none\n";
    if (graph.calls_not_kept > 0 || graph.works_not_kept > 0)
        out += counted(graph.calls_not_kept, "call") + " and " + counted(graph.works_not_kept, "work") +
               " are not told one by one: more than there is room for; edges count all calls\n";
    if (graph.undecided > 0)
        out += counted(graph.undecided, "transfer") +
               " on connections that were there before and of which it is not known who called whom\n";
    if (graph.lost > 0) out += counted(graph.lost, "event") + " lost\n";
    if (graph.late > 0) out += counted(graph.late, "event") + " came too late to be put in order\n";
    return out;
}

}  // namespace

std::string owner_edge_label(const OwnerGraph& graph, const OwnerEdge& edge) {
    std::string text = decimal(rate(graph, edge.calls)) + "/s, p95 " + duration(edge.p95);
    if (edge.errors > 0) text += ", " + counted(edge.errors, "error");
    if (edge.retries > 0) text += ", " + (edge.retries == 1 ? "1 retry" : std::to_string(edge.retries) + " retries");
    return text;
}

std::string owner_text(const OwnerGraph& graph) {
    std::string out;
    std::size_t from = kNone;
    for (const OwnerEdge& e : graph.edges) {
        if (e.from != from) {
            const OwnerNode& node = graph.nodes[e.from];
            out += clean_text(node.service.name) + " (" + std::string(to_string(node.service.kind));
            if (node.processes > 1) out += ", " + counted(node.processes, "process", "es");
            out += ")\n";
        }
        from = e.from;
        out += "  → " + clean_text(name_of(graph, e.to)) + "  " + counted(e.calls, "call") + ", " +
               owner_edge_label(graph, e) + ", p50 " + duration(e.p50) + ", p99 " + duration(e.p99) + ", " +
               human_bytes(static_cast<double>(e.bytes_sent)) + " sent, " +
               human_bytes(static_cast<double>(e.bytes_received)) + " received\n";
    }
    if (graph.edges.empty()) out += "no calls were seen\n";
    std::size_t joined = 0;
    for (const OwnerCall& call : graph.calls) joined += call.parent != kNone ? 1 : 0;
    if (graph.works.empty() && graph.calls.empty() && !graph.edges.empty()) return out + caveats(graph);  // edges alone are known
    out += "\n" + counted(graph.works.size(), "work") + " (invocations, requests served); of " +
           counted(graph.calls.size(), "call") + " " + std::to_string(joined) + " were made for one of them\n";
    return out + caveats(graph);
}

std::string owner_dot(const OwnerGraph& graph) {
    std::string out = "digraph services {\n  rankdir=LR;\n  node [fontname=\"sans-serif\"];\n";
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) out += dot_node(i, graph.nodes[i].service);
    for (const OwnerEdge& e : graph.edges)
        out += "  n" + std::to_string(e.from) + " -> n" + std::to_string(e.to) + " [label=" +
               dot_quoted(owner_edge_label(graph, e)) + (e.errors > 0 ? ",color=red" : "") + "];\n";
    return out + "}\n";
}

std::string owner_mermaid(const OwnerGraph& graph) {
    std::string out = "flowchart LR\n";
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) out += mermaid_node(i, graph.nodes[i].service);
    for (const OwnerEdge& e : graph.edges)
        out += "  n" + std::to_string(e.from) + " -->|\"" + mermaid_text(owner_edge_label(graph, e)) + "\"| n" +
               std::to_string(e.to) + "\n";
    return out;
}

namespace {

Json nodes_and_edges(const OwnerGraph& graph) {
    Json nodes = Json::array(), edges = Json::array();
    for (const OwnerNode& n : graph.nodes) {
        Json cgroups = Json::array();
        for (const CgroupId id : n.cgroups)
            if (id != CgroupId{}) cgroups.push_back(static_cast<std::uint64_t>(id));
        nodes.push_back({{"name", n.service.name}, {"kind", to_string(n.service.kind)}, {"processes", n.processes},
                         {"pids", n.pids}, {"cgroups", cgroups}});
    }
    for (const OwnerEdge& e : graph.edges)
        edges.push_back({{"from", name_of(graph, e.from)},
                         {"to", name_of(graph, e.to)},
                         {"from_node", e.from},
                         {"to_node", e.to},
                         {"calls", e.calls},
                         {"rate", rate(graph, e.calls)},
                         {"errors", e.errors},
                         {"retries", e.retries},
                         {"bytes_sent", e.bytes_sent},
                         {"bytes_received", e.bytes_received},
                         {"total_ns", e.total.count()},
                         {"p50_ns", e.p50.count()},
                         {"p95_ns", e.p95.count()},
                         {"p99_ns", e.p99.count()},
                         {"slowest_ns", e.slowest.count()},
                         {"by_path", e.by_path}});
    Json told{{"method", "owner"}, {"duration_ns", (graph.to - graph.from).count()}};
    if (graph.wall_to) told["ended_unix_ns"] = graph.wall_to->time_since_epoch().count();
    told["nodes"] = std::move(nodes);
    told["edges"] = std::move(edges);
    return told;
}

std::string with_losses(Json told, const OwnerGraph& graph) {
    told["ambiguous"] = graph.ambiguous;
    told["calls_not_kept"] = graph.calls_not_kept;
    told["works_not_kept"] = graph.works_not_kept;
    told["undecided"] = graph.undecided;
    told["late"] = graph.late;
    told["lost"] = graph.lost;
    return told.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::string owner_edges_json(const OwnerGraph& graph) { return with_losses(nodes_and_edges(graph), graph); }

std::string owner_json(const OwnerGraph& graph) {
    const auto index = [](std::size_t i) { return i == kNone ? Json() : Json(i); };
    const auto since = [&](Timestamp t) { return (t - graph.from).count(); };
    Json works = Json::array(), calls = Json::array();
    for (const OwnerWork& w : graph.works)
        works.push_back({{"id", w.id.str()},
                         {"service", name_of(graph, w.node)},
                         {"node", w.node},
                         {"what", w.what},
                         {"at_ns", since(w.start)},
                         {"duration_ns", (w.end - w.start).count()},
                         {"open", w.open},
                         {"error", w.error},
                         {"pid", w.process.pid},
                         {"tid", static_cast<std::int32_t>(w.thread)},
                         {"cgroup", static_cast<std::uint64_t>(w.cgroup)},
                         {"asked_by", index(w.asked_by)}});
    for (const OwnerCall& c : graph.calls)
        calls.push_back({{"from", name_of(graph, c.from)},
                         {"to", name_of(graph, c.to)},
                         {"from_node", c.from},
                         {"to_node", c.to},
                         {"at_ns", since(c.start)},
                         {"duration_ns", (c.end - c.start).count()},
                         {"method", c.method},
                         {"path", c.path},
                         {"status", c.status},
                         {"error", c.error},
                         {"retry", c.retry},
                         {"bytes_sent", c.bytes_sent},
                         {"bytes_received", c.bytes_received},
                         {"pid", c.process.pid},
                         {"tid", static_cast<std::int32_t>(c.thread)},
                         {"cgroup", static_cast<std::uint64_t>(c.cgroup)},
                         {"parent", index(c.parent)},
                         {"by", autotune::to_string(c.by)},
                         {"confidence", c.confidence},
                         {"candidates", c.candidates},
                         {"child", index(c.child)}});
    Json told = nodes_and_edges(graph);
    told["works"] = std::move(works);
    told["calls"] = std::move(calls);
    return with_losses(std::move(told), graph);
}

}  // namespace autotune::render
