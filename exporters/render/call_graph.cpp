#include "exporters/render/call_graph.hpp"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "exporters/render/amount.hpp"
#include "exporters/render/flame_colour.hpp"
#include "exporters/render/text.hpp"

namespace autotune::render {

namespace {

using Json = nlohmann::ordered_json;

std::string percent(double share) {
    char text[32];
    std::snprintf(text, sizeof text, "%.1f %%", 100 * share);
    return text;
}

double share_of(std::uint64_t weight, std::uint64_t total) {
    return total > 0 ? std::min(1.0, static_cast<double>(weight) / static_cast<double>(total)) : 0;
}

std::string times(std::uint64_t calls) { return calls == 1 ? "1 call" : std::to_string(calls) + " calls"; }

std::string about_function(const CallGraph& graph, const CalledFunction& f) {
    std::string text = "self " + human_amount(graph.unit, f.self) + " (" + percent(share_of(f.self, graph.total)) +
                       "), total " + human_amount(graph.unit, f.total) + " (" + percent(share_of(f.total, graph.total)) + ")";
    if (f.calls > 0) text += ", " + times(f.calls);
    if (f.calls_itself) text += ", calls itself";
    if (!f.module.empty()) text += ", " + f.module;
    return text;
}

}  // namespace

Drawing call_graph_drawing(const CallGraph& graph, const CallGraphLimits& limits) {
    Drawing drawing{.title = "Call graph: " + graph.title};
    std::vector<std::optional<std::uint32_t>> place(graph.functions.size());
    std::vector<std::uint32_t> group_of;  // by cycle
    for (std::size_t i = 0; i < graph.functions.size() && drawing.nodes.size() < limits.functions; ++i) {
        const CalledFunction& f = graph.functions[i];
        if (share_of(f.total, graph.total) < limits.least_share) break;  // the rest has less
        place[i] = static_cast<std::uint32_t>(drawing.nodes.size());
        std::uint32_t group = 0;
        if (f.cycle > 0) {
            group_of.resize(std::max<std::size_t>(group_of.size(), f.cycle + 1));
            if (group_of[f.cycle] == 0) {
                drawing.groups.push_back("cycle " + std::to_string(f.cycle) + ": they call each other");
                group_of[f.cycle] = static_cast<std::uint32_t>(drawing.groups.size());
            }
            group = group_of[f.cycle];
        }
        drawing.nodes.push_back({.label = f.name,
                                 .more = about_function(graph, f),
                                 .shape = f.calls_itself ? Shape::round : Shape::box,
                                 .heat = share_of(f.self, graph.total),
                                 .group = group});
    }
    for (const CallEdge& edge : graph.edges) {
        if (!place[edge.from] || !place[edge.to]) continue;
        const bool in_cycle = edge.from == edge.to || (graph.functions[edge.from].cycle > 0 &&
                                                       graph.functions[edge.from].cycle == graph.functions[edge.to].cycle);
        if (!in_cycle && share_of(edge.weight, graph.total) < limits.least_share) continue;
        drawing.edges.push_back({.from = *place[edge.from],
                                 .to = *place[edge.to],
                                 .label = edge.weight > 0 ? human_amount(graph.unit, edge.weight) : "",
                                 .more = edge.calls > 0 ? times(edge.calls) : "",
                                 .line = in_cycle ? Line::dashed : Line::plain});
    }
    drawing.about = human_amount(graph.unit, graph.total) + " " + graph.measure +
                    (graph.exact ? ", every call traced" : ", from samples") +
                    "; a box says self and total, an edge what the callee spent for the caller. " +
                    std::to_string(drawing.nodes.size()) + " of " + std::to_string(graph.functions.size()) +
                    " functions are drawn";
    if (graph.truncated > 0)
        drawing.about += "; " + percent(share_of(graph.truncated, graph.total)) + " of it did not reach the thread's start";
    drawing.about += ".";
    return drawing;
}

std::string call_graph_json(const CallGraph& graph) {
    Json functions = Json::array(), edges = Json::array();
    const auto known = [](std::uint64_t n) { return n > 0 ? Json(n) : Json(); };
    for (const CalledFunction& f : graph.functions)
        functions.push_back({{"name", f.name},
                             {"module", f.module},
                             {"runtime", std::string(runtime_name(f.kind))},
                             {"self", f.self},
                             {"total", f.total},
                             {"calls", known(f.calls)},
                             {"cycle", known(f.cycle)},
                             {"calls_itself", f.calls_itself}});
    for (const CallEdge& edge : graph.edges)
        edges.push_back({{"from", edge.from}, {"to", edge.to}, {"weight", edge.weight}, {"calls", known(edge.calls)}});
    return Json{{"title", graph.title},
                {"measure", graph.measure},
                {"unit", std::string(unit_name(graph.unit))},
                {"exact", graph.exact},
                {"total", graph.total},
                {"truncated", graph.truncated},
                {"functions", functions},
                {"edges", edges}}
        .dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace autotune::render
