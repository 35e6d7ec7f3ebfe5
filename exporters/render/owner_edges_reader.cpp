#include "exporters/render/owner_edges_reader.hpp"

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <utility>

#include "exporters/render/node_kind.hpp"

namespace autotune::render {

namespace {

using Json = nlohmann::json;

// A number that cannot be less than 0; get<> alone would make a huge one of -1, and cut fractions off.
std::uint64_t count(const Json& of, const char* name) {
    const Json& value = of.at(name);
    if (!value.is_number_unsigned()) throw std::invalid_argument(std::string("\"") + name + "\" is no count");
    return value.get<std::uint64_t>();
}

Nanos nanos(const Json& of, const char* name) {
    const std::uint64_t value = count(of, name);
    if (!std::in_range<Nanos::rep>(value)) throw std::invalid_argument(std::string("\"") + name + "\" is too long");
    return Nanos(static_cast<Nanos::rep>(value));
}

NodeKind kind_of(const std::string& name) {
    for (const NodeKind kind : {NodeKind::function, NodeKind::process, NodeKind::external})
        if (to_string(kind) == name) return kind;
    throw std::invalid_argument("no such kind of node: \"" + name + "\"");
}

OwnerNode node_of(const Json& j) {
    OwnerNode node{.service = {.name = j.at("name").get<std::string>(), .kind = kind_of(j.at("kind").get<std::string>())},
                   .cgroups = {},
                   .pids = j.at("pids").get<std::vector<std::int32_t>>(),
                   .processes = count(j, "processes")};
    for (const Json& id : j.at("cgroups")) node.cgroups.push_back(CgroupId{id.get<std::uint64_t>()});
    return node;
}

OwnerEdge edge_of(const Json& j, std::size_t nodes) {
    OwnerEdge edge{.from = count(j, "from_node"),
                   .to = count(j, "to_node"),
                   .calls = count(j, "calls"),
                   .errors = count(j, "errors"),
                   .retries = count(j, "retries"),
                   .bytes_sent = count(j, "bytes_sent"),
                   .bytes_received = count(j, "bytes_received"),
                   .total = nanos(j, "total_ns"),
                   .p50 = nanos(j, "p50_ns"),
                   .p95 = nanos(j, "p95_ns"),
                   .p99 = nanos(j, "p99_ns"),
                   .slowest = nanos(j, "slowest_ns"),
                   .by_path = j.at("by_path").get<bool>()};
    if (edge.from >= nodes || edge.to >= nodes) throw std::invalid_argument("an edge of a node that is not there");
    return edge;
}

}  // namespace

Result<OwnerGraph> read_owner_edges(std::string_view text) {
    try {
        const Json j = Json::parse(text);
        if (j.at("method").get<std::string>() != "owner") throw std::invalid_argument("not found by owners");
        OwnerGraph graph;
        graph.to = graph.from + nanos(j, "duration_ns");
        if (j.contains("ended_unix_ns")) graph.wall_to = WallTime(nanos(j, "ended_unix_ns"));  // not in files of before
        for (const Json& node : j.at("nodes")) graph.nodes.push_back(node_of(node));
        for (const Json& edge : j.at("edges")) graph.edges.push_back(edge_of(edge, graph.nodes.size()));
        graph.ambiguous = count(j, "ambiguous");
        graph.calls_not_kept = count(j, "calls_not_kept");
        graph.works_not_kept = count(j, "works_not_kept");
        graph.undecided = count(j, "undecided");
        graph.late = count(j, "late");
        graph.lost = count(j, "lost");
        return graph;
    } catch (const std::exception& wrong) {  // of the JSON, or ours
        return fail(Errc::corrupt, wrong.what());
    }
}

}  // namespace autotune::render
