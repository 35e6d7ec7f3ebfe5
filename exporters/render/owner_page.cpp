// The page of an OwnerGraph: the graph, and requests whose paths can be lit.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>
#include <vector>

#include "exporters/render/graph_page.hpp"
#include "exporters/render/node_kind.hpp"
#include "exporters/render/owner_graph.hpp"
#include "exporters/render/request_page.hpp"
#include "exporters/render/text.hpp"

namespace autotune::render {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kNewest = 100, kSlowest = 100;
constexpr std::size_t kMostSteps = 500;  // of one request; cut ones say so

// A request: a work that nobody's work asked for, with all that was done for it.
class Requests {
public:
    Requests(const OwnerGraph& graph, const RequestPaths& paths) : graph_(graph), paths_(paths), calls_of_(graph.works.size()) {
        for (std::size_t i = 0; i < graph.calls.size(); ++i)
            if (graph.calls[i].parent != kNone) calls_of_[graph.calls[i].parent].push_back(i);
    }

    [[nodiscard]] std::vector<std::size_t> chosen() const {
        std::vector<std::size_t> roots;
        for (std::size_t i = 0; i < graph_.works.size(); ++i) {
            const OwnerWork& work = graph_.works[i];
            const bool is_asked_by_work = work.asked_by != kNone && graph_.calls[work.asked_by].parent != kNone;
            if (!is_asked_by_work && (!calls_of_[i].empty() || work.asked_by != kNone)) roots.push_back(i);
        }
        std::set<std::size_t> some(roots.end() - static_cast<std::ptrdiff_t>(std::min(roots.size(), kNewest)), roots.end());
        std::ranges::stable_sort(roots, [&](std::size_t a, std::size_t b) { return length(a) > length(b); });
        some.insert(roots.begin(), roots.begin() + static_cast<std::ptrdiff_t>(std::min(roots.size(), kSlowest)));
        return {some.begin(), some.end()};
    }

    [[nodiscard]] Json told(std::size_t root) const {
        const OwnerWork& work = graph_.works[root];
        const Timestamp start = work.asked_by != kNone ? graph_.calls[work.asked_by].start : work.start;
        Json steps = Json::array();
        if (work.asked_by != kNone)
            add(work.asked_by, 0, start, steps);
        else
            add_calls_of(root, 0, start, steps);
        return {{"name", clean_text(graph_.nodes[work.node].service.name + (work.what.empty() ? "" : " " + work.what))},
                {"id", work.id.str()},
                {"node", work.node},
                {"ms", ms(work.end - work.start)},
                {"error", work.error},
                {"cut", steps.size() >= kMostSteps},
                {"steps", steps},
                {"shares", shares(root)}};
    }

private:
    // Most time first; none where it has no path: its end was not seen.
    [[nodiscard]] Json shares(std::size_t root) const {
        Json all = Json::array();
        if (root >= paths_.shares.size()) return all;
        for (const RequestShare& s : paths_.shares[root])
            all.push_back({{"node", s.service}, {"own", ms(Nanos(s.own_ns))}, {"way", ms(Nanos(s.between_ns))},
                           {"saves", s.asked ? Json(ms(Nanos(s.saves_ns))) : Json()}});
        return all;
    }

    static double ms(Nanos ns) { return static_cast<double>(ns.count() / 1000) / 1000; }
    [[nodiscard]] Nanos length(std::size_t work) const { return graph_.works[work].end - graph_.works[work].start; }

    void add_calls_of(std::size_t work, int depth, Timestamp start, Json& steps) const {
        for (const std::size_t call : calls_of_[work]) add(call, depth, start, steps);
    }
    void add(std::size_t index, int depth, Timestamp start, Json& steps) const {
        if (steps.size() >= kMostSteps || depth > 64) return;
        const OwnerCall& call = graph_.calls[index];
        steps.push_back({{"a", call.from}, {"b", call.to}, {"depth", depth}, {"at", ms(call.start - start)},
                         {"ms", ms(call.end - call.start)}, {"error", call.error}, {"retry", call.retry},
                         {"by", autotune::to_string(call.by)},
                         {"what", clean_text(call.method.empty() ? "" : call.method + " " + call.path)},
                         {"status", call.status},
                         {"critical", std::ranges::binary_search(paths_.calls, static_cast<std::uint32_t>(index))}});
        if (call.child != kNone) add_calls_of(call.child, depth + 1, start, steps);
    }

    const OwnerGraph& graph_;
    const RequestPaths& paths_;
    std::vector<std::vector<std::size_t>> calls_of_;
};

Json page_data(const OwnerGraph& graph, const RequestPaths& paths) {
    Json nodes = Json::array(), edges = Json::array(), requests = Json::array();
    for (const OwnerNode& n : graph.nodes) {
        const auto kind = to_string(n.service.kind);
        std::string hint = clean_text(n.service.name) + "\n" + std::string(kind);
        if (n.processes > 0) hint += ", processes seen: " + std::to_string(n.processes);
        nodes.push_back({{"name", clean_text(n.service.name)}, {"kind", kind}, {"hint", hint}});
    }
    for (const OwnerEdge& e : graph.edges) {
        const auto part = [](std::string_view name, Nanos ns) {
            return std::string(name) + human_duration(to_seconds(ns));
        };
        edges.push_back({{"from", clean_text(graph.nodes[e.from].service.name)},
                         {"to", clean_text(graph.nodes[e.to].service.name)},
                         {"a", e.from},
                         {"b", e.to},
                         {"label", owner_edge_label(graph, e)},
                         {"failed", e.errors > 0},
                         {"hint", clean_text(graph.nodes[e.from].service.name) + " → " +
                                      clean_text(graph.nodes[e.to].service.name) + "\n" + std::to_string(e.calls) +
                                      " calls, " + std::to_string(e.errors) + " errors, " + std::to_string(e.retries) +
                                      " retries\n" + part("p50 ", e.p50) + part(", p95 ", e.p95) + part(", p99 ", e.p99) +
                                      part(", slowest ", e.slowest) + "\n" +
                                      human_bytes(static_cast<double>(e.bytes_sent)) + " sent, " +
                                      human_bytes(static_cast<double>(e.bytes_received)) + " received"}});
    }
    const Requests all(graph, paths);
    for (const std::size_t root : all.chosen()) requests.push_back(all.told(root));
    return {{"nodes", nodes}, {"edges", edges}, {"requests", requests}};
}

}  // namespace

std::string owner_html(const OwnerGraph& graph, const RequestPaths& paths, const std::string& title) {
    std::string about = std::to_string(graph.nodes.size()) + " services, " + std::to_string(graph.edges.size()) +
                        " edges, " + std::to_string(graph.works.size()) + " works, " + std::to_string(graph.calls.size()) +
                        " calls";
    if (graph.ambiguous > 0) about += "; " + std::to_string(graph.ambiguous) + " calls are ambiguous and on no path";
    if (graph.calls_not_kept > 0) about += "; " + std::to_string(graph.calls_not_kept) + " older calls are in the edges only";
    if (graph.lost > 0) about += "; " + std::to_string(graph.lost) + " events were lost";
    return graph_page({.title = title,
                       .about = about + ". Choose a request to light its path; what it waited for, its critical path, is drawn thick.",
                       .data = page_data(graph, paths).dump(-1, ' ', false, Json::error_handler_t::replace),
                       .style = kRequestStyle,
                       .script = kRequestScript});
}

}  // namespace autotune::render
